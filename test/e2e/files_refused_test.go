package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What can't be done is said before anything of a container is made.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	data := newVolume(t, h.alice, "file")
	bobs := newVolume(t, h.bob, "file")
	must(t, mkdir(filepath.Join(bobs, "below")))
	must(t, os.Chmod(filepath.Join(bobs, "file"), 0o600))
	closed := newVolume(t, h.bob, "file")
	must(t, os.Chmod(closed, 0o700))
	for _, test := range []struct {
		name  string
		flags []string
		says  []string
	}{
		{"missing", []string{"-v", data + "/missing:/x"}, []string{`-v "`, `/missing" does not exist`, "hint: mkdir -p -- " + data + "/missing"}},
		{"missing, in words", []string{"--mount", "type=bind,src=" + data + "/missing,dst=/x"}, []string{`--mount "type=bind,src=`, `/missing" does not exist`}},
		{"another's file", []string{"-v", bobs + "/file:/x"}, []string{"you may not read", bobs + "/file", "hint: namei -l "}},
		{"another's directory", []string{"-v", closed + ":/x:ro"}, []string{"you may not enter", closed, "hint: namei -l "}},
		{"in another's directory", []string{"-v", closed + "/file:/x"}, []string{"you may not reach", closed + "/file", "hint: namei -l "}},
		{"not even when it is root's", []string{"-v", "/etc/shadow:/x"}, []string{`you may not read "/etc/shadow"`}},
		{"a device", []string{"-v", "/dev/null:/x"}, []string{`"/dev/null" is a device`, "hint: unc run --device /dev/null:DST"}},
		{"a name", []string{"-v", "data:/x"}, []string{`"data" would be the name of a volume`, "hint: unc run -v ./data:/x"}},
		{"no target", []string{"-v", data}, []string{"a source, a colon, and a path inside", "hint: unc run -v " + data + ":" + data}},
		{"a relative target", []string{"-v", data + ":x"}, []string{`"x" is not an absolute path inside the container`}},
		{"the root", []string{"-v", data + ":/"}, []string{"the container's root is not mounted over"}},
		{"/proc", []string{"--tmpfs", "/x/../proc"}, []string{"is the container's own"}},
		{"/sys", []string{"-v", "/sys:/sys"}, []string{`"/sys" is the container's own`}},
		{"/dev", []string{"-v", "/dev:/dev"}, []string{`"/dev" is the container's own`}},
		{"one target twice", []string{"-v", data + ":/x", "--tmpfs", "/x/"}, []string{`is mounted on "/x" as well`}},
		{"another owner", []string{"-v", data + ":/x:U"}, []string{`"U": unc gives no file of the host another owner`}},
		{"no limit", []string{"--tmpfs", "/x:size=0"}, []string{`"0" is no size`}},
		{"no mount at all", []string{"--mount", "src=" + data}, []string{"there is no type=bind or type=tmpfs"}},
		{"a relative working directory", []string{"-w", "x"}, []string{`-w "x": it is not an absolute path inside the container`}},
		{"a directory on a file", []string{"-v", data + ":/bin/busybox"}, []string{"/bin/busybox", "directory"}},
		{"a file on a directory", []string{"-v", data + "/file:/root"}, []string{"/root", "directory"}},
		{"a tmpfs on a file", []string{"--tmpfs", "/bin/busybox"}, []string{"/bin/busybox", "directory"}},
		{"below a file", []string{"-v", data + ":/bin/busybox/x"}, []string{"/bin/busybox", "not a directory"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			got := h.run(h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "echo", "started")...))
			got.fails(t, test.says...)
			if got.stdout != "" {
				t.Errorf("stdout is %q, want nothing", got.stdout)
			}
		})
	}
}

// Root becomes somebody else before he is asked what he may read.
func TestRefusedFilesOfRoot(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	closed := newVolume(t, h.bob, "file")
	must(t, os.Chmod(closed, 0o700))
	cmd := h.command(unc, "run", "--rootfs", rootfs, "-v", closed+":/x", "ls", "/x")
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "SUDO_UID="+strconv.Itoa(h.alice.uid), "SUDO_GID="+strconv.Itoa(h.alice.gid))
	got := h.run(cmd)
	if got.code != 125 || !strings.Contains(got.stderr, "you may not enter") {
		t.Errorf("got %+v, want a refusal", got)
	}
}

// A mount point that can't be made is said to be it.
func TestTargetsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	data := newVolume(t, h.alice, "file")
	roots := busyboxRootfs(t, user{})
	staysTheSame(t, roots)
	h.run(h.unc(h.alice, "run", "--rootfs", roots, "-v", data+":/x", "true")).fails(t, `creating "/x"`, "permission denied", "hint: ")
	if got := h.run(h.unc(h.alice, "run", "--rootfs", roots, "-v", data+":/root", "cat", "/root/file")).works(t); got != ofTheHost {
		t.Errorf("got %q, want %q", got, ofTheHost)
	}
	// A throw-away system has a root of its own, and directories of the host's.
	if got := h.run(h.unc(h.alice, "run", "-v", data+":/src/a", "-v", data+"/file:/mnt", "cat", "/src/a/file", "/mnt")).works(t); got != ofTheHost+ofTheHost {
		t.Errorf("got %q, want the file twice", got)
	}
	h.run(h.unc(h.alice, "run", "-v", data+":/usr/local/not-there", "true")).fails(t, `creating "/usr/local/not-there"`, "permission denied", "hint: ")
}
