package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a container finds of the process that started it: nothing.
const inherited = `grep -E '^(SigBlk|SigIgn|SigPnd|ShdPnd)' /proc/self/status; umask; ulimit -S -n; pwd; stat -c %a / /dev/shm /etc/hosts`

const inheritedNothing = `SigPnd:	0000000000000000
ShdPnd:	0000000000000000
SigBlk:	0000000000000000
SigIgn:	0000000000000000
0022
1024
/
755
1777
644
`

// TestHostileStartsOfRun: whatever unc is started with, the container is as
// always, or unc says why there is none.
func TestHostileStartsOfRun(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for _, test := range []struct {
		name, script string
		env          []string
		mayFail      bool
	}{
		{name: "ignored signals", script: `trap '' HUP QUIT TERM USR1 USR2 PIPE ALRM CHLD URG PROF TTIN TTOU; exec "$@"`},
		{name: "blocked signals", script: `exec env --block-signal "$@"`},
		{name: "nothing may be made", script: `umask 777; exec "$@"`},
		{name: "everything may be made", script: `umask 0; exec "$@"`},
		{name: "a directory that is gone", script: `d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$@"`},
		{name: "no environment", script: `exec env -i "$@"`},
		{name: "a large environment", env: []string{"LARGE=" + strings.Repeat("x", 100000)}},
		{name: "nonsense for the runtime", env: []string{"GODEBUG=nonsense=x,=,", "GOTRACEBACK=nonsense", "GOMAXPROCS=-7", "GOGC=0", "GOMEMLIMIT=1"}},
		{name: "a soft limit of ten open files", script: `ulimit -S -n 10; exec "$@"`},
		{name: "no core file", script: `ulimit -c 0; exec "$@"`},
		{name: "ten open files", script: `ulimit -n 10; exec "$@"`, mayFail: true},
		{name: "30 open files", script: `ulimit -n 30; exec "$@"`, mayFail: true},
		{name: "no bytes in a file", script: `ulimit -f 0; exec "$@"`, mayFail: true},
		{name: "100 megabytes of addresses", script: `ulimit -v 100000; exec "$@"`, mayFail: true},
		{name: "hardly a stack", script: `ulimit -s 64; exec "$@"`, mayFail: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			script := test.script
			if script == "" {
				script = `exec "$@"`
			}
			cmd := h.as(h.alice, "sh", "-c", script, "sh", unc, "run", "--rootfs", rootfs, "sh", "-c", inherited)
			cmd.Env = append(cmd.Env, test.env...)
			got := h.run(cmd)
			if test.mayFail && got.code != 0 && got.stderr != "" {
				return
			}
			if out := got.works(t); out != inheritedNothing && !test.mayFail {
				t.Errorf("the container finds %q, want %q", out, inheritedNothing)
			}
		})
	}
}

func TestOddRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	odd := filepath.Join(newDir(t, h.alice), "with space,comma:colon%\n\"")
	must(t, os.Symlink(rootfs, odd))
	for _, test := range []struct {
		name, dir, rootfs string
		fails             bool
	}{
		{"a relative path", filepath.Dir(rootfs), filepath.Base(rootfs), false},
		{"a dot", rootfs, ".", false},
		{"a slash behind", "/", rootfs + "/", false},
		{"a link with an odd name", "/", odd, false},
		{"a file", "/", "/etc/passwd", true},
		{"an empty name", "/", "/nowhere", true},
		{"/proc", "/", "/proc", true},
		{"/dev/null", "/", "/dev/null", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "run", "--rootfs", test.rootfs, "sh", "-c", "ls /etc")
			cmd.Dir = test.dir
			got := h.run(cmd)
			if test.fails {
				got.fails(t)
			} else if out := got.works(t); out != "hostname\nhosts\nresolv.conf\n" {
				t.Errorf("/etc holds %q", out)
			}
		})
	}
}

// The host's own root is a directory like others when it is asked for.
func TestTheHostsRootAsRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.run(h.unc(h.alice, "run", "--rootfs", "/", "sh", "-c", "hostname; cat /etc/hostname"))
	if got.code != 0 {
		got.fails(t)
	} else if lines := strings.Fields(got.stdout); len(lines) != 2 || lines[0] != lines[1] {
		t.Errorf("got %q, want the container's hostname twice", got.stdout)
	}
}
