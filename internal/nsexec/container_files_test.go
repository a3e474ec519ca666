package nsexec

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// has checks that a mount has some options and does not have others.
func (s *survey) has(t *testing.T, at string, want, wantNot []string) {
	t.Helper()
	m, ok := s.Mounts[at]
	if !ok {
		t.Errorf("nothing is mounted on %s", at)
		return
	}
	options := strings.Split(m.Options, ",")
	for _, option := range want {
		if !slices.Contains(options, option) {
			t.Errorf("%s: got it mounted %q, want %s among that", at, m.Options, option)
		}
	}
	for _, option := range wantNot {
		if slices.Contains(options, option) {
			t.Errorf("%s: got it mounted %q, want it without %s", at, m.Options, option)
		}
	}
}

func (s *survey) check(t *testing.T, files map[string]string) {
	t.Helper()
	for path, want := range files {
		if got := s.Files[path]; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestVolumes(t *testing.T) {
	data, fixed, linked := tree(t, "dir/", "bin/"), tree(t, "dir/"), tree(t)
	write(t, data+"/hello", "hello")
	write(t, fixed+"/file", "a file")
	write(t, linked+"/here", "linked")
	b := newBox(t, "survey", keepsResult(t), func(s *Spec) {
		if err := os.Symlink("/data/dir", s.Rootfs+"/link"); err != nil {
			t.Fatal(err)
		}
		s.Mounts = append(s.Mounts,
			Mount{Kind: Tmpfs, Target: "/data/dir/tmpfs", Mode: 0o700, Size: "64k", NoExec: true},
			Mount{Source: data, Target: "/data"},
			Mount{Source: fixed, Target: "/some/where/fixed", ReadOnly: true},
			Mount{Source: fixed + "/file", Target: "/some/file", ReadOnly: true},
			Mount{Source: linked, Target: "/link/through", NoExec: true},
			Mount{Kind: Device, Source: "/dev/null", Target: "/some/null"},
			Mount{Kind: Tmpfs, Target: "/fixed-tmpfs", Mode: 0o755, ReadOnly: true},
		)
	})
	var got survey
	b.finish(t, &got)
	got.check(t, map[string]string{
		"/data/hello":            "hello",
		"/some/where/fixed/file": "a file",
		"/some/file":             "a file",
		"/some/null":             "Dcrw-rw-rw-",
		"/data/dir/tmpfs":        "drwx------",
		"/data/dir/through/here": "linked",
	})
	got.has(t, "/data", []string{"rw", "nosuid", "nodev"}, []string{"noexec"})
	got.has(t, "/data/dir/tmpfs", []string{"rw", "nosuid", "nodev", "noexec"}, nil)
	got.has(t, "/data/dir/through", []string{"rw", "nosuid", "nodev", "noexec"}, nil)
	got.has(t, "/some/where/fixed", []string{"ro", "nosuid", "nodev"}, nil)
	got.has(t, "/some/file", []string{"ro", "nosuid", "nodev"}, nil)
	got.has(t, "/fixed-tmpfs", []string{"ro", "nosuid", "nodev"}, nil)
	got.has(t, "/some/null", []string{"nosuid", "noexec"}, []string{"nodev"})
	for dir, want := range map[string]bool{
		"/data": true, "/data/dir": true, "/data/dir/tmpfs": true, "/data/dir/through": true, "/some": true,
		"/some/where/fixed": false, "/some/where/fixed/dir": false, "/fixed-tmpfs": false,
	} {
		if slices.Contains(got.Written, dir) != want {
			t.Errorf("%s: got it written: %v, want %v", dir, !want, want)
		}
	}
	// What was written is where it was mounted from, and what was mounted over it is not.
	want := []string{"", "/bin", "/bin/" + newFile, "/dir", "/dir/" + newFile, "/dir/through", "/dir/tmpfs", "/hello", "/" + newFile}
	if diff := cmp.Diff(want, list(t, data)); diff != "" {
		t.Errorf("files in the volume (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "/dir", "/file"}, list(t, fixed)); diff != "" {
		t.Errorf("files in the read-only volume (-want +got):\n%s", diff)
	}
}

// A volume that can't be is named, and nothing has happened outside of the rootfs.
func TestVolumesThatFail(t *testing.T) {
	needContainers(t)
	outside := tree(t, "dir/", "file")
	for _, test := range []struct {
		name   string
		mount  Mount
		want   string // how the error begins
		reason error
	}{
		{"a source that is missing", Mount{Source: outside + "/missing", Target: "/a"}, `binding "` + outside + `/missing": `, unix.ENOENT},
		{"a link out of the rootfs", Mount{Source: outside + "/dir", Target: "/evil/new"}, `opening "/evil": `, unix.ENOENT},
		{"a link out of the rootfs, upwards", Mount{Source: outside + "/dir", Target: "/up/new"}, `opening "/up": `, unix.ENOENT},
		{"a link at the end", Mount{Source: outside + "/dir", Target: "/evil"}, `mounting on "/evil": `, unix.ENOENT},
		{"links in a circle", Mount{Source: outside + "/dir", Target: "/circle/new"}, `mounting on "/circle/new": `, unix.ELOOP},
		{"a link of the kernel's", Mount{Source: outside + "/dir", Target: "/proc/self/root/new"}, `mounting on "/proc/self/root/new": `, unix.ELOOP},
		{"below a file", Mount{Source: outside + "/dir", Target: "/file/new"}, `mounting on "/file/new": `, unix.ENOTDIR},
		{"a directory on a file", Mount{Source: outside + "/dir", Target: "/file"}, `mounting on "/file": `, unix.EINVAL},
		{"a file on a directory", Mount{Source: outside + "/file", Target: "/dir"}, `mounting on "/dir": `, unix.EINVAL},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, "file", "dir/", "evil -> "+outside, "up -> ../../../../../../../../.."+outside, "circle -> circle")
			before := list(t, outside)
			spec := &Spec{
				Rootfs: root, Hostname: "box", Args: []string{"sh"}, IDs: callerIs(0, 0), Capabilities: DefaultCapabilities,
				Mounts: []Mount{test.mount},
			}
			c, err := Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Ready()
			if !strings.HasPrefix(errText(err), test.want) || !errors.Is(err, test.reason) {
				t.Errorf("got error %q, want it to begin with %q and be %v", errText(err), test.want, test.reason)
			}
			if err := c.Abort(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(before, list(t, outside)); diff != "" {
				t.Errorf("files outside of the rootfs (-before +after):\n%s", diff)
			}
		})
	}
}

// writtenInside are the directories that a command could write to, but for our own /dev.
func (s *survey) writtenInside() (list []string) {
	for _, dir := range s.Written {
		if dir != "/dev" {
			list = append(list, dir)
		}
	}
	return list
}

func TestReadOnlyRoot(t *testing.T) {
	b := newBox(t, "survey", keepsResult(t), func(s *Spec) {
		for _, dir := range []string{"tmp", "run", "usr"} { // and no /var
			if err := os.Mkdir(filepath.Join(s.Rootfs, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		s.ReadOnly, s.Workdir = true, "/work/dir"
	})
	var got survey
	b.finish(t, &got)
	if diff := cmp.Diff([]string{"/dev/shm", "/out", "/run", "/tmp"}, got.writtenInside()); diff != "" {
		t.Errorf("directories written (-want +got):\n%s", diff)
	}
	got.has(t, "/", []string{"ro", "nosuid", "nodev"}, nil)
	got.check(t, map[string]string{"/tmp": "dtrwxrwxrwx", "/run": "drwxr-xr-x"})
	if got.Dir != "/work/dir" {
		t.Errorf("got working directory %q, want /work/dir", got.Dir)
	}
	// Nothing but mount points is in the rootfs that was not there before.
	want := []string{
		"", "/dev", "/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/out", "/proc", "/run", "/sys", "/test", "/tmp",
		"/usr", "/work", "/work/dir",
	}
	if diff := cmp.Diff(want, list(t, b.root)); diff != "" {
		t.Errorf("files in the rootfs (-want +got):\n%s", diff)
	}
}

// With a copy, the rootfs has not even got what is made there to mount on.
func TestEphemeralRoot(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		t.Run(map[bool]string{false: "written", true: "read-only"}[readOnly], func(t *testing.T) {
			b := newBox(t, "survey", keepsResult(t), func(s *Spec) {
				if err := os.Mkdir(filepath.Join(s.Rootfs, "dir"), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(s.Rootfs, "dir/file"), "as it was")
				s.Ephemeral, s.ReadOnly, s.Workdir = true, readOnly, "/work"
			})
			var got survey
			b.finish(t, &got)
			got.check(t, map[string]string{"/dir/file": "as it was", "/": "drwxr-xr-x"})
			for _, dir := range []string{"/", "/dir", "/work", "/etc"} {
				if slices.Contains(got.Written, dir) == readOnly {
					t.Errorf("%s: got it written: %v, want %v", dir, readOnly, !readOnly)
				}
			}
			got.has(t, "/", []string{"nosuid", "nodev"}, nil)
			if diff := cmp.Diff([]string{"", "/dir", "/dir/file", "/test"}, list(t, b.root)); diff != "" {
				t.Errorf("files in the rootfs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkingDirectory(t *testing.T) {
	for _, test := range []struct{ name, dir, want string }{
		{"none", "", "/"},
		{"the root", "/", "/"},
		{"one that is there", "/dir", "/dir"},
		{"one that is made", "/dir/a/b", "/dir/a/b"},
		{"by a link", "/link/c", "/dir/c"},
		{"the deepest", deep(maxDepth), deep(maxDepth)},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBox(t, "survey", func(s *Spec) {
				err := errors.Join(os.Mkdir(s.Rootfs+"/dir", 0o755), os.Symlink("/dir", s.Rootfs+"/link"))
				if err != nil {
					t.Fatal(err)
				}
				s.Workdir = test.dir
			})
			var got survey
			if b.finish(t, &got); got.Dir != test.want {
				t.Errorf("got %q, want %q", got.Dir, test.want)
			}
		})
	}
}
