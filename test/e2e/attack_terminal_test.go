package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// handOver is the name under which this test program, inside a container, hands
// its standard output to who listens at the socket named by its argument.
const handOver = "hand-over"

// It is executed in a container, where TestMain would find nothing that it needs.
func init() {
	if len(os.Args) != 2 || os.Args[0] != handOver {
		return
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: os.Args[1], Net: "unix"})
	if err == nil {
		_, _, err = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(1), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// handedOver gets what handOver sends.
func handedOver(t *testing.T, listener *net.UnixListener) *os.File {
	t.Helper()
	conn, err := listener.AcceptUnix()
	must(t, err)
	defer conn.Close()
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
	must(t, err)
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	must(t, err)
	if len(messages) != 1 {
		t.Fatalf("%d control messages, want one", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	must(t, err)
	f := os.NewFile(uintptr(fds[0]), "the container's terminal")
	t.Cleanup(func() { f.Close() })
	return f
}

// The container's terminal may be open elsewhere, by way of a socket that a
// container and somebody outside share: that does not keep unc, whose caller would
// be left with a raw terminal that no key ends.
func TestATerminalHandedToSomebodyElse(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	self, err := os.Executable()
	must(t, err)
	if !isStatic(self) {
		tier.Skip(t, "this test was built with cgo and does not run in a rootfs; CGO_ENABLED=0 runs it")
	}
	rootfs := busyboxRootfs(t, h.alice)
	must(t, copyFile(filepath.Join(rootfs, "bin", handOver), self, 0o755))
	for _, test := range []struct {
		name string
		with func(*os.File)
	}{
		{"who keeps it", func(*os.File) {}},
		{"who writes on and on", func(f *os.File) {
			for err := error(nil); err == nil; {
				_, err = f.WriteString("more\r\n")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			socket := filepath.Join(rootfs, "tmp", "socket")
			listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
			must(t, err)
			defer listener.Close()
			must(t, os.Chmod(socket, 0o666))
			p := newPty(t, h.alice)
			before := p.mode()
			h.login(p, plainly, "run", "--rootfs", rootfs, "sh", "-c", handOver+" /tmp/socket && read go && exit 3")
			f := handedOver(t, listener)
			if p.mode() == before {
				t.Error("the terminal is not raw while the command runs")
			}
			go test.with(f)
			p.typed("go\r")
			p.ended(3)
			p.sameMode(before)
		})
	}
}

// untilTold is a command that goes on when there is a file /tmp/go.
const untilTold = `until [ -e /tmp/go ]; do sleep 0.01; done; `

// tell makes that file, and waits for nothing.
func tell(t *testing.T, rootfs string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(rootfs, "tmp", "go"), nil, 0o644))
}

// A terminal window that is closed takes the container with it, even if that does
// not care for hangups: there is nobody to read what it writes.
func TestTheCallersTerminalIsClosed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	p := newPty(t, h.alice)
	h.login(p, plainly, "run", "--rootfs", rootfs, "sh", "-c",
		`trap '' HUP; echo ready; `+untilTold+`head -c 262144 /dev/zero; echo $? >/tmp/code`)
	p.expect("ready")
	must(t, p.tty.Close())
	must(t, p.master.Close())
	tell(t, rootfs)
	eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
	code, err := os.ReadFile(filepath.Join(rootfs, "tmp", "code"))
	must(t, err)
	if string(code) == "0\n" {
		t.Error("the command has written 256 kB to nobody")
	}
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
}

// A terminal on standard input alone is shown to as well, by way of the
// container's /dev/tty; a shell's < opens it for reading only.
func TestATerminalOpenForReadingOnly(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	before := p.mode()
	script := `{ "$@" <` + p.tty.Name() + ` 2>&1; echo "ended with $?" >&2; } | sed 's/^/to a pipe: /'`
	h.login(p, script, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c",
		`echo text; { seq 1 20000; echo end; read x; echo "got $x"; } >/dev/tty; exit 4`)
	p.expect("20000\r\nend\r\n")
	p.typed("keys\r")
	p.expect("got keys\r\n")
	p.expect("ended with 4")
	p.expect("<ended 0>")
	p.sameMode(before)
}

// A terminal need not be the controlling one, of which a shell could take it away:
// a console before there is a login has only such.
func TestATerminalWithoutJobControl(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	before := p.mode()
	cmd := h.unc(h.alice, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c", `echo ready; read x; echo "got $x"; exit 4`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.tty, p.tty, p.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	h.start(cmd)
	p.expect("ready\r\n")
	p.typed("keys\r")
	p.expect("got keys\r\n")
	if code := endsInTime(t, cmd); code != 4 {
		t.Errorf("exit code %d, want the command's 4", code)
	}
	p.sameMode(before)
}

// What ends unc ends it as it would any program, after it has cleaned up.
func TestFatalSignalsWithATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, sig := range []unix.Signal{unix.SIGABRT, unix.SIGALRM, unix.SIGSEGV} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			h := h.with(t)
			p := newPty(t, h.alice)
			before := p.mode()
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sh", "-c", "echo ready; exec sleep 1000")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = p.tty, p.tty, p.tty
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
			h.start(cmd)
			p.expect("ready")
			if p.mode() == before {
				t.Error("the terminal is not raw while the command runs")
			}
			kill(t, cmd.Process.Pid, sig)
			if code := endsInTime(t, cmd); code != -int(sig) {
				t.Errorf("exit code %d, want a death by %v", code, sig)
			}
			p.sameMode(before)
			within(t, aSecond, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
		})
	}
}
