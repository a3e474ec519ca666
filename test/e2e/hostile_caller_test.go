package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hostileStarts are ways in which a user may start net-setup. A script ends by
// executing its arguments.
var hostileStarts = []struct {
	name    string
	script  string
	env     []string
	prepare func(t *testing.T, cmd *exec.Cmd)
	refuses string // what it must say; else it must work
	mayDie  bool   // there is no telling: only that nothing is left
	silent  bool   // it can't print its answer
}{
	{name: "no standard input", script: `exec "$@" <&-`},
	{name: "no standard output", script: `exec "$@" >&-`, silent: true},
	{name: "no standard error", script: `exec "$@" 2>&-`},
	{name: "no descriptor at all", script: `exec "$@" <&- >&- 2>&-`, silent: true},
	{name: "a full device for output", script: `exec "$@" >/dev/full`, silent: true},
	{name: "three open files", script: `ulimit -n 3; exec "$@"`, refuses: "open files"},
	{name: "ten open files", script: `ulimit -n 10; exec "$@"`, refuses: "open files"},
	{name: "64 open files", script: `ulimit -n 64; exec "$@"`},
	{name: "a soft limit of ten open files", script: `ulimit -S -n 10; exec "$@"`},
	{name: "no bytes in a file", script: `ulimit -f 0; exec "$@"`},
	{name: "no bytes in a file, and output to one", script: `ulimit -f 0; exec "$@" >"$OUT"`, silent: true},
	{name: "no core file", script: `ulimit -c 0; exec "$@"`},
	{name: "a gigabyte of addresses", script: `ulimit -v 1000000; exec "$@"`, mayDie: true},
	{name: "100 megabytes of addresses", script: `ulimit -v 100000; exec "$@"`, mayDie: true},
	{name: "20 megabytes of addresses", script: `ulimit -v 20000; exec "$@"`, mayDie: true},
	{name: "hardly a stack", script: `ulimit -s 64; exec "$@"`, mayDie: true},
	{name: "a second of time", script: `ulimit -t 1; exec "$@"`},
	{name: "nonsense for the runtime", env: []string{
		"GODEBUG=asyncpreemptoff=1,gctrace=1,inittrace=1,nonsense=x,=,", "GOTRACEBACK=nonsense", "GOMAXPROCS=-7", "GOGC=off", "GOMEMLIMIT=1",
	}},
	{name: "more nonsense for the runtime", env: []string{
		"GODEBUG=execerrdot=0,netdns=go+9,schedtrace=1,scheddetail=1", "GOTRACEBACK=crash", "GOMAXPROCS=99999999999999999999", "GOGC=0", "GORACE=x",
	}},
	{name: "the loader's variables", env: []string{"LD_PRELOAD=/tmp/evil.so", "LD_AUDIT=/tmp/evil.so", "TMPDIR=/proc", "TZ=:/etc/shadow"}},
	{name: "no environment", script: `exec env -i "$@"`},
	{name: "a large environment", env: []string{"LARGE=" + strings.Repeat("x", 100000)}},
	{name: "a directory that is gone", script: `d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$@"`},
	{name: "nothing may be made", script: `umask 777; exec "$@"`},
	{name: "ignored signals", script: `trap '' HUP INT QUIT TERM USR1 USR2 PIPE ALRM CHLD URG PROF TTIN TTOU; exec "$@"`},
	{name: "blocked signals", script: `exec env --block-signal "$@"`},
	{name: "a low priority", script: `exec nice -n 19 "$@"`},
	{name: "a thousand descriptors", prepare: inheritMany},
	{name: "input that does not block", prepare: func(t *testing.T, cmd *exec.Cmd) { cmd.Stdin = neverReady(t) }},
	{name: "output that does not block", prepare: outputThatDoesNotBlock},
}

func TestHostileStartsOfNetSetup(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range hostileStarts {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			target := h.bare(h.alice)
			script := test.script
			if script == "" {
				script = `exec "$@"`
			}
			cmd := h.as(h.alice, "sh", "-c", script, "sh", unc, "net-setup", strconv.Itoa(target.pid()))
			cmd.Env = append(append(cmd.Env, "OUT="+filepath.Join(newDir(t, h.alice), "out")), test.env...)
			if test.prepare != nil {
				test.prepare(t, cmd)
			}
			got := h.run(cmd)
			_, code := target.try("ip link show eth0")
			attached := code == 0
			if n := len(h.leases()); n > 1 || (n == 1) != attached {
				t.Errorf("%d leases, but attached is %v", n, attached)
			}
			switch {
			case test.mayDie:
				if (got.code == 0) != attached {
					t.Errorf("exit code %d, but attached is %v", got.code, attached)
				}
			case test.refuses != "":
				got.fails(t, test.refuses)
				if attached {
					t.Error("a network is attached, and net-setup said no")
				}
			case !attached:
				t.Errorf("exit code %d, stderr %q, and nothing attached", got.code, got.stderr)
			case !test.silent && got.stdout != "":
				parseNetwork(t, got.works(t))
			}
		})
	}
}

// inheritMany passes on as many descriptors as go, of every kind there is.
func inheritMany(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	epoll, err := unix.EpollCreate1(0)
	must(t, err)
	event, err := unix.Eventfd(0, 0)
	must(t, err)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	for i, fd := range []int{epoll, event, pair[0], pair[1]} {
		f := os.NewFile(uintptr(fd), strconv.Itoa(i))
		t.Cleanup(func() { f.Close() })
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	null, err := os.Open(os.DevNull)
	must(t, err)
	t.Cleanup(func() { null.Close() })
	for range min(1000, int(limit.Cur)/2) {
		cmd.ExtraFiles = append(cmd.ExtraFiles, null)
	}
}

// neverReady is a pipe into which nobody writes, and which says so at once.
func neverReady(t *testing.T) *os.File {
	t.Helper()
	r, w := nonBlockingPipe(t)
	t.Cleanup(func() { w.Close() })
	return r
}

func outputThatDoesNotBlock(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	r, w := nonBlockingPipe(t)
	t.Cleanup(func() { r.Close() })
	cmd.Stdout = w
}

// nonBlockingPipe has ends that stay so when they are passed on.
func nonBlockingPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	must(t, unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC))
	// Not known to be so to package os, which would make them blocking again.
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	return r, w
}

// unc gives net-setup a socket that blocks. With one that doesn't, it works or says
// that it can't read.
func TestARequestOnASocketThatDoesNotBlock(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	target := h.bare(h.alice)
	ours, theirs := socketPair(t)
	raw, err := theirs.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), true) }))
	must(t, err)
	cmd := h.unc(h.alice, "net-setup", "-")
	cmd.Stdin, cmd.Stdout = theirs, theirs
	h.start(cmd)
	theirs.Close()
	s := &helper{t, cmd, ours}
	s.attach(target.pid())
	_, code := s.ended()
	if _, missing := target.try("ip link show eth0"); (code == 0) != (missing == 0) {
		t.Errorf("exit code %d, but there is an eth0: %v", code, missing == 0)
	}
}
