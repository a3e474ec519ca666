package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// The names under which this test program, in a container, opens pseudo-terminals until there
// are no more, fills its standard output's pipe, made as large as it can be, sends process 1
// signals without end, and leaves it no open files.
const (
	fillsTerminals = "fills-terminals"
	fillsItsPipe   = "fills-its-pipe"
	sendsSignals   = "sends-signals"
	leavesNoFiles  = "leaves-no-files"

	largestPipe = 1 << 20 // pipe(7), pipe-max-size
)

func init() {
	switch filepath.Base(os.Args[0]) {
	case fillsTerminals:
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4096, Max: 4096})
		n := 0
		for {
			if _, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0); err != nil {
				fmt.Println(n > 0, err)
				break
			}
			n++
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
	case fillsItsPipe:
		size, err := unix.FcntlInt(1, unix.F_SETPIPE_SZ, largestPipe)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, _ = os.Stdin.Read(make([]byte, 10))
		_, _ = unix.Write(1, []byte(strings.Repeat(strings.Repeat("x", 127)+"\n", size/128)))
		os.Exit(3)
	case sendsSignals:
		for {
			for sig := unix.SIGHUP; sig < unix.SIGCHLD; sig++ {
				_ = unix.Kill(1, sig)
			}
		}
	case leavesNoFiles:
		if err := unix.Prlimit(1, unix.RLIMIT_NOFILE, &unix.Rlimit{}, nil); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	default:
		return
	}
	os.Exit(0)
}

// rootfsWithSelf has this test program under these names.
func rootfsWithSelf(t *testing.T, u user, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	if !isStatic(self) {
		tier.Skip(t, "this test was built with cgo and does not run in a rootfs; CGO_ENABLED=0 runs it")
	}
	rootfs := rootfsWithUsers(t, u)
	for _, name := range names {
		must(t, copyFile(filepath.Join(rootfs, "bin", name), self, 0o755))
	}
	return rootfs
}

// Root in the container can keep others from it, and tells nobody lies with that.
func TestExecIntoAHostileContainer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithSelf(t, h.alice, fillsTerminals)
	for _, test := range []struct {
		name   string
		script string // what the container does
		flags  []string
		says   string // of an exec with a terminal, "" if that works
		plain  string // of one without
	}{
		{"ptmx closed", "chmod 0 /dev/pts/ptmx /dev/ptmx", nil, "opening a pseudo-terminal of the container's: permission denied", ""},
		{"the directory of terminals closed", "chmod 0 /dev/pts", nil, "opening a pseudo-terminal of the container's: permission denied", ""},
		{"a tty of its own", "rm -f /dev/tty /dev/ptmx; mkfifo /dev/tty; ln -s /etc/passwd /dev/ptmx", nil, "", ""},
		{"a ptmx of its own", "rm -f /dev/pts/ptmx; ln -sf /dev/zero /dev/pts/0 || true", nil, "", ""},
		{"a passwd that nobody writes to", "rm /etc/passwd; mkfifo /etc/passwd", []string{"-u", "carol"}, "/etc/passwd", "/etc/passwd"},
		{"a passwd without an end", "rm /etc/passwd; ln -s /dev/zero /etc/passwd", []string{"-u", "carol"}, "/etc/passwd", "/etc/passwd"},
		{"a passwd that is the terminal", "rm /etc/passwd; ln -s /dev/tty /etc/passwd", []string{"-u", "carol"}, "/etc/passwd", "/etc/passwd"},
		{"a command that is a FIFO", "rm /bin/true /bin/tty; mkfifo /bin/true /bin/tty; chmod 755 /bin/true /bin/tty", nil, "executable", "executable"},
		{"a working directory that goes away", "rmdir /gone", []string{"-w", "/gone"}, "no such file or directory", "no such file or directory"},
		{"no search path", "rm -r /bin/*", nil, "command not found", "command not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			own := filepath.Join(newDir(t, h.alice), "rootfs") // each spoils one
			h.root(`cp -a "$1" "$2"; mkdir "$2/gone"; chown --reference "$1" "$2/gone"`, rootfs, own)
			c := h.livingWith(own, []string{"--network", "none"}, "sh", "-c", "("+test.script+") 2>/dev/null; echo done; exec sleep 1000").begun()
			defer c.end()
			if got := c.run(c.exec(test.flags, "true")); test.plain == "" {
				got.works(t)
			} else if got.code < 125 || got.code > 127 || !strings.Contains(got.stderr, test.plain) {
				t.Errorf("without a terminal: %+v, want %q", got, test.plain)
			}
			p := newPty(t, h.alice)
			before := p.mode()
			h.login(p, plainly, append(append([]string{"exec"}, test.flags...), c.name, "tty")...)
			if test.says != "" {
				p.expect(test.says)
			} else {
				p.expect("/dev/pts/")
			}
			p.expect("<ended ")
			p.sameMode(before)
		})
	}
}

// All pseudo-terminals of the machine that a container can have: others than it have some left.
// It is not parallel, for the other tests' containers are among those that have none.
func TestExecWhereThereAreNoTerminals(t *testing.T) {
	h := newHost(t)
	rootfs := rootfsWithSelf(t, h.alice, fillsTerminals)
	c := h.living(rootfs, "--network", "none", "--ulimit", "nofile=4096:4096")
	defer c.end()
	p := newPty(t, h.alice)
	before := p.mode()
	filler := c.exec(nil, fillsTerminals)
	in, err := filler.StdinPipe()
	must(t, err)
	out, err := filler.StdoutPipe()
	must(t, err)
	c.start(filler)
	expectLines(t, out)("true no space left on device")
	login := c.login(p, plainly, "tty")
	p.expect("opening a pseudo-terminal of the container's: no space left on device")
	p.ended(125)
	p.sameMode(before)
	c.run(c.exec(nil, "true")).works(t)
	newPty(t, h.alice) // the machine's own
	kill(t, login.Process.Pid, unix.SIGKILL)
	must(t, in.Close())
	wait(t, filler)
	c.login(p, plainly, "tty")
	p.expect("/dev/pts/0")
	p.ended(0)
}

// A command that stops is waited for, as any that does nothing, and its asker can be ended.
func TestExecOfACommandThatStops(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--network", "none")
	defer c.end()
	for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGTERM} {
		cmd := c.exec(nil, "sh", "-c", "exec tail -f /dev/null")
		c.start(cmd)
		pid := c.numberOf("tail")
		c.sh("kill -STOP $(pidof tail)")
		eventually(t, "the command stopped", func() bool { return strings.HasPrefix(statusOf(pid)["State"], "T") })
		c.run(c.exec(nil, "true")).works(t)
		kill(t, cmd.Process.Pid, sig)
		if sig != unix.SIGKILL {
			c.sh("kill -CONT $(pidof tail)")
		}
		endsInTime(t, cmd)
		eventually(t, "the command ended", func() bool { return statusOf(pid)["State"] == "" })
	}
	// Nobody in the container can stop its first process, who takes the orders.
	c.sh("kill -STOP 1; kill -TSTP 1; kill -KILL 1")
	c.run(c.exec(nil, "true")).works(t)
}

// A container that has all processes that there may be: exec works, or says why it can't.
func TestExecWhereThereIsNoRoom(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.livingWith(rootfsWithUsers(t, h.alice), []string{"--network", "none", "--ulimit", "nproc=60"}, "sh", "-c",
		"echo begun; (while :; do sleep 1000 & done) 2>/dev/null; exec sleep 2000").begun()
	c.sleeping("2000") // there was no more room for another of the others
	const says = "a limit on processes leaves no room for it in the container"
	for range 20 {
		if got := c.run(c.exec(nil, "true")); got.code != 0 {
			got.fails(t, says)
		}
	}
	// As where the limit is one of a control group, which holds for process 1 as well.
	h.run(h.as(h.alice, "prlimit", "--pid", strconv.Itoa(c.PID), "--nproc=1")).works(t)
	c.run(c.exec(nil, "true")).fails(t, says)
	c.run(c.exec([]string{"-d"}, "true")).fails(t, says)
	p := newPty(t, h.alice)
	before := p.mode()
	c.login(p, plainly, "true")
	p.expect(says)
	p.ended(125)
	p.sameMode(before)
	begin := time.Now()
	h.run(h.unc(h.alice, "stop", "-t", "1", c.name)).works(t)
	if took := time.Since(begin); took > 5*slowness*time.Second {
		t.Errorf("unc stop took %v", took)
	}
	h.unrecorded(h.alice)
}

// What root in the container does to process 1 keeps nobody waiting: who starts something is
// answered, and the end of the first command is the container's.
func TestExecBesideAnAttackOnProcess1(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithSelf(t, h.alice, sendsSignals, leavesNoFiles)
	for _, test := range []struct {
		name   string
		script string // what the container does
		says   string // of an exec, "" if that works
	}{
		// Lower numbers are read first, and SIGCHLD is a higher one (next_signal in kernel/signal.c).
		{"always another signal", "trap '' 1 2 3 4 5 6 7 8 10 11 12 13 14 15 16; " + strings.Repeat("setsid "+sendsSignals+" & ", 4) + ":", ""},
		{"no open files", leavesNoFiles, "too many open files: somebody in the container has lowered the limit of its first process"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			c := h.livingWith(rootfs, []string{"--network", "none"}, "sh", "-ec", test.script+"; echo begun; exec sleep 1000").begun()
			if got := c.logs().stdout; got != "begun\n" {
				t.Fatalf("the attack says %q", got)
			}
			for range 5 {
				if got := c.run(c.exec(nil, "true")); test.says == "" {
					got.works(t)
				} else {
					got.fails(t, test.says)
				}
			}
			kill(t, c.command(), unix.SIGKILL)
			eventually(t, "the container ended", func() bool { return !isRunning(c.PID) })
			c.removed()
		})
	}
}

// A pipe may hold more than what a supervisor takes at a time: nothing of it is lost at the end.
func TestTheEndOfALargePipe(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithSelf(t, h.alice, fillsItsPipe)
	c := h.livingWith(rootfs, []string{"--network", "none", "-i", "--log-opt", "max-size=16m"}, fillsItsPipe)
	v := c.attach()
	command := c.command()
	// The supervisor reads nothing until all is written; what is typed passes by it.
	kill(t, c.Supervisor, unix.SIGSTOP)
	v.types("go\n")
	eventually(t, "the container ended", func() bool { return !isRunning(command) && !isRunning(c.PID) })
	kill(t, c.Supervisor, unix.SIGCONT)
	text, err := io.ReadAll(v.out)
	must(t, err)
	if len(text) != largestPipe {
		t.Errorf("who is attached has seen %d bytes, want %d", len(text), largestPipe)
	}
	v.ended(3)
	if got := len(c.logs().stdout); got != largestPipe {
		t.Errorf("the log has %d bytes, want %d", got, largestPipe)
	}
	c.removed()
}

// isRunning tells whether a process is more than a zombie.
func isRunning(pid int) bool {
	state := statusOf(pid)["State"]
	return state != "" && !strings.HasPrefix(state, "Z")
}
