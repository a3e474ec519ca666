package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// newVolume makes a directory of u's with a file in it.
func newVolume(t *testing.T, u user, name string) string {
	t.Helper()
	dir := newDir(t, u)
	must(t, os.WriteFile(filepath.Join(dir, name), []byte("of the host\n"), 0o644))
	giveTo(t, u, dir)
	return dir
}

const ofTheHost = "of the host\n"

func TestVolumes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs, "data", "readonly", "new", "new/dir", "new/file", "in,words")
	data := newVolume(t, h.alice, "file")
	s := h.shell(h.alice, rootfs, "-v", data+":/data", "-v", data+":/readonly:ro", "-v", data+"/file:/new/file:ro", "-v", data+":/new/dir/",
		"--mount", `type=bind,src=`+data+`,"dst=/in,words",readonly=true`)
	for _, file := range []string{"/data/file", "/readonly/file", "/new/file", "/new/dir/file", "/in,words/file"} {
		if got := s.do("cat " + file); got != ofTheHost {
			t.Errorf("%s is %q, want %q", file, got, ofTheHost)
		}
	}
	for _, script := range []string{
		"echo x >/readonly/file", "touch /readonly/x", "rm /readonly/file", "chmod 600 /readonly/file", "echo x >/new/file", "touch /in,words/x",
	} {
		if output, code := s.try(script); code == 0 || !strings.Contains(output, "Read-only file system") {
			t.Errorf("%s: exit code %d: %q; want a read-only file system", script, code, output)
		}
	}
	s.do("echo inside >/data/made && mkdir /new/dir/below && chown 0:0 /data/made")
	if got := s.do("cat /readonly/made"); got != "inside\n" {
		t.Errorf("one source at two targets shows %q and %q", "inside\n", got)
	}
	for _, script := range []string{"mount -o remount,bind,rw /readonly", "mount -o remount,rw /readonly", "umount /readonly", "umount /new/file"} {
		if output, code := s.try(script); code == 0 {
			t.Errorf("%s: works: %s", script, output)
		}
	}
	s.end()
	files := listing(t, data)
	for name, has := range files {
		if !strings.Contains(has, owner(h.alice)) {
			t.Errorf("%s is %q, want it to belong to %q", name, has, owner(h.alice))
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "made")); err != nil || string(text) != "inside\n" || files["below"] == "" {
		t.Errorf("the volume holds %v, and %q, %v", files, text, err)
	}
}

func TestSourcesAreRelativeToTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	data := newVolume(t, h.alice, "file")
	for _, name := range []string{"sub", "a:b,c d"} {
		must(t, os.Mkdir(filepath.Join(data, name), 0o755))
		must(t, os.WriteFile(filepath.Join(data, name, "below"), []byte(ofTheHost), 0o644))
	}
	must(t, os.Symlink("sub", filepath.Join(data, "link")))
	for _, test := range []struct{ flag, value, dir, file string }{
		{"-v", ".:/x", ".", "/x/file"},
		{"-v", "..:/x", "sub", "/x/file"},
		{"-v", "./sub:/x:ro", ".", "/x/below"},
		{"-v", "../sub:/x", "sub", "/x/below"},
		{"-v", "sub/../file:/x", ".", "/x"},
		{"-v", "./link:/x", ".", "/x/below"},
		{"--volume", "./file:/x", ".", "/x"},
		{"--mount", "type=bind,src=sub,dst=/x", ".", "/x/below"},
		{"--mount", `type=bind,"src=a:b,c d",dst=/x`, ".", "/x/below"},
	} {
		t.Run(test.value, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "-x", test.flag, test.value, "cat", test.file)
			cmd.Dir = filepath.Join(data, test.dir)
			if got := h.run(cmd).works(t); got != ofTheHost {
				t.Errorf("got %q, want %q", got, ofTheHost)
			}
		})
	}
}

// One volume may lie in another, whichever is named first.
func TestVolumesInVolumes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs, "a")
	outer, inner := newVolume(t, h.alice, "outer"), newVolume(t, h.alice, "inner")
	must(t, mkdir(filepath.Join(outer, "b")))
	giveTo(t, h.alice, outer)
	staysTheSame(t, outer)
	staysTheSame(t, inner)
	for _, flags := range [][]string{
		{"-v", outer + ":/a:ro", "-v", inner + ":/a/b"},
		{"-v", inner + ":/a/b", "-v", outer + ":/a"},
		{"--mount", "type=bind,dst=/a/b,src=" + inner, "-v", outer + ":/a:ro"},
		{"--tmpfs", "/a/b/c", "-v", inner + ":/a/b/c/d", "--tmpfs", "/a/b", "-v", outer + ":/a"},
	} {
		got := h.run(h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh", "-c", "cat /a/outer && find /a -name inner -exec cat {} ';'")...)).works(t)
		if got != ofTheHost+ofTheHost {
			t.Errorf("%v: got %q, want both files", flags, got)
		}
	}
	got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-v", outer+":/a:ro", "-v", inner+":/a/missing", "true"))
	got.fails(t, `"/a/missing"`, "read-only file system")
}

// What a link in the rootfs leads to is what the container sees there.
func TestTargetsBehindLinks(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	must(t, os.MkdirAll(filepath.Join(rootfs, "usr/lib"), 0o755))
	for name, target := range map[string]string{"lib": "usr/lib", "absolute": "/usr/lib", "outwards": "../../usr/lib", "chain": "absolute"} {
		must(t, os.Symlink(target, filepath.Join(rootfs, name)))
	}
	giveTo(t, h.alice, rootfs)
	staysTheSame(t, rootfs, "usr/lib/made")
	data := newVolume(t, h.alice, "file")
	for _, name := range []string{"lib", "absolute", "outwards", "chain"} {
		for target, file := range map[string]string{name: "/usr/lib/file", name + "/made": "/usr/lib/made/file"} {
			got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-v", data+":/"+target, "cat", file))
			if got.works(t) != ofTheHost {
				t.Errorf("/%s: got %q in %s, want %q", target, got.stdout, file, ofTheHost)
			}
		}
	}
}

// A volume comes with what is mounted below it, and all of that is as it was asked for.
func TestVolumesAreRecursive(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	data := newVolume(t, h.alice, "file")
	must(t, mkdir(filepath.Join(data, "below")))
	cmd := withMounts(h.unc(h.alice, "run", "--rootfs", rootfs, "-v", data+":/rw", "-v", data+":/ro:ro", "-v", data+":/noexec:noexec", "sh"), `
		mount -t tmpfs -o mode=777 below "$1/below" && mkdir -m 777 "$1/below/deep"
		mount -t tmpfs -o mode=777 deep "$1/below/deep"
		cp /bin/busybox "$1/below/deep/true"`, data)
	s := h.open(cmd)
	s.do("touch /rw/below/x /rw/below/deep/x && /rw/below/deep/true")
	for _, script := range []string{"touch /ro/below/y", "touch /ro/below/deep/y", "rm /ro/below/deep/x", "rm /ro/below/x"} {
		if output, code := s.try(script); code == 0 || !strings.Contains(output, "Read-only file system") {
			t.Errorf("%s: exit code %d: %q; want a read-only file system", script, code, output)
		}
	}
	if output, code := s.try("/noexec/below/deep/true"); code != 126 {
		t.Errorf("a file of a volume that is noexec: exit code %d: %s", code, output)
	}
	wanted := map[string]string{"/rw": "rw", "/ro": "ro", "/noexec": "noexec"}
	for line := range strings.Lines(s.do("cat /proc/self/mountinfo")) {
		fields := strings.Fields(line) // proc_pid_mountinfo(5): ..., where, options, tags
		for target, want := range wanted {
			if fields[4] != target && !strings.HasPrefix(fields[4], target+"/") {
				continue
			}
			for _, want := range []string{want, "nosuid", "nodev"} {
				if !strings.Contains(","+fields[5]+",", ","+want+",") {
					t.Errorf("a mount is not %s: %s", want, line)
				}
			}
			if fields[6] != "-" {
				t.Errorf("a mount is tied to another: %s", line)
			}
		}
	}
	s.end()
}

// A volume is no way to become somebody, or to a device.
func TestVolumesGiveNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	data := newDir(t, h.alice)
	setuid, capable, node := filepath.Join(data, "setuid"), filepath.Join(data, "capable"), filepath.Join(data, "zero")
	for _, program := range []string{setuid, capable} {
		must(t, copyFile(program, "/bin/cat", 0o755))
	}
	must(t, os.Chmod(setuid, 0o755|os.ModeSetuid|os.ModeSetgid))
	if out, err := exec.Command("setcap", "cap_chown,cap_sys_admin+ep", capable).CombinedOutput(); err != nil {
		t.Fatalf("setting a file capability: %v\n%s", err, out)
	}
	must(t, unix.Mknod(node, unix.S_IFCHR, int(unix.Mkdev(1, 5))))
	must(t, unix.Chmod(node, 0o666))

	// All of it works outside, or there would be nothing to take away.
	outside := func(argv ...string) string { return h.run(h.as(h.alice, argv...)).works(t) }
	if got, want := rightsIn(outside(setuid, "/proc/self/status"))["Uid"], fmt.Sprintf("%d\t0\t0\t0", h.alice.uid); got != want {
		t.Fatalf("outside, the setuid program has uids %q, want %q", got, want)
	}
	if got, want := rightsIn(outside(capable, "/proc/self/status"))["CapEff"], "0000000000200001"; got != want {
		t.Fatalf("outside, the capable program has %q, want %q", got, want)
	}
	outside("head", "-c", "1", node)

	for _, flags := range [][]string{{"-v", data + ":/data"}, {"-v", data + ":/data:ro"}, {"--mount", "type=bind,src=" + data + ",dst=/data"}} {
		s := h.open(h.unc(h.alice, append(append([]string{"run"}, flags...), "sh")...))
		want := rightsIn(s.do("cat /proc/self/status"))
		for _, program := range []string{"setuid", "capable"} {
			if diff := differences(want, rightsIn(s.do("/data/"+program+" /proc/self/status"))); len(diff) > 0 {
				t.Errorf("%v: what %s has is not what others have:\n%s", flags, program, strings.Join(diff, "\n"))
			}
		}
		if output, code := s.try("head -c 1 /data/zero"); code == 0 || !strings.Contains(output, "Permission denied") {
			t.Errorf("%v: a device in a volume: exit code %d: %q", flags, code, output)
		}
		s.end()
	}
}

// rightsIn is the part of proc_pid_status(5) that tells what a process may do.
func rightsIn(status string) map[string]string {
	rights := map[string]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if name == "Uid" || name == "Gid" || strings.HasPrefix(name, "Cap") {
			rights[name] = strings.TrimSpace(value)
		}
	}
	return rights
}
