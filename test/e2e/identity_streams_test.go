package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// usersOf starts containers of -u carol, in both kinds of map.
func usersOf(t *testing.T, test func(t *testing.T, d *distro, args []string)) {
	t.Helper()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	for _, userns := range []string{"auto", "single"} {
		t.Run(userns, func(t *testing.T) {
			test(t, d.with(t), []string{"run", "--rootfs", rootfs, "--userns", userns, "-u", "carol"})
		})
	}
}

// Programs open /dev/stdout anew, as whom they are by then. Afterwards so may the caller.
func TestPipesAreOpenToTheUser(t *testing.T) {
	t.Parallel()
	usersOf(t, func(t *testing.T, d *distro, args []string) {
		args = append(slices.Clone(args), "--network", "none", "sh", "-c", "cat /dev/stdin >/dev/stdout; echo bad >/dev/stderr")
		// The pipes are alice's own, as those of a shell are.
		script := `{ echo text | "$@" 2>&3 | sed 's/^/out: /'; echo later >/dev/stdout; } 3>&1 | sed 's/^/all: /'`
		cmd := d.etc.mounted(d.as(d.alice, append([]string{"sh", "-c", script, "sh", unc}, args...)...))
		got := strings.Split(strings.TrimSpace(d.run(cmd).works(t)), "\n")
		slices.Sort(got)
		if want := []string{"all: bad", "all: later", "all: out: text"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A file that a stream leads to stays its owner's.
func TestFilesStayTheirOwners(t *testing.T) {
	t.Parallel()
	usersOf(t, func(t *testing.T, d *distro, args []string) {
		path := filepath.Join(newDir(t, d.alice), "file")
		script := `path=$1; shift; exec "$@" >"$path"`
		args = append(slices.Clone(args), "--network", "none", "echo", "text")
		d.run(d.etc.mounted(d.as(d.alice, append([]string{"sh", "-c", script, "sh", path, unc}, args...)...))).works(t)
		var st unix.Stat_t
		must(t, unix.Stat(path, &st))
		text, err := os.ReadFile(path)
		if got := (user{int(st.Uid), int(st.Gid)}); got != d.alice || string(text) != "text\n" || err != nil {
			t.Errorf("the file is %v's, with %q, %v; want alice's with the text", got, text, err)
		}
	})
}

func TestTheTerminalIsTheUsers(t *testing.T) {
	t.Parallel()
	usersOf(t, func(t *testing.T, d *distro, args []string) {
		p := newPty(t, d.alice)
		d.login(p, append(args, "--network", "none", "sh", "-c",
			`echo "owner $(stat -c %u $(tty))"; echo by name >$(tty); echo controlling >/dev/tty; echo out >/dev/stdout; read -r x </dev/tty; exit $x`)...)
		p.expect("owner 1000\r\nby name\r\ncontrolling\r\nout\r\n")
		p.typed("5\r")
		p.ended(5)
		// The caller's is not: it is another.
		var st unix.Stat_t
		must(t, unix.Fstat(int(p.tty.Fd()), &st))
		if int(st.Uid) != d.alice.uid {
			t.Errorf("the caller's terminal is uid %d's, want alice's, %d", st.Uid, d.alice.uid)
		}
	})
}

// login is host.login for one who has subordinate ids.
func (d *distro) login(p *pty, args ...string) *exec.Cmd {
	d.t.Helper()
	cmd := d.as(d.alice, append([]string{"sh", "-c", plainly + `
		echo "<ended $?>"; read stay`, "sh", unc}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.tty, p.tty, p.tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	cmd = d.etc.mounted(cmd)
	d.start(cmd)
	return cmd
}

// The network is the container's own, and each of its ports for whoever is in there.
func TestUsersMayServe(t *testing.T) {
	t.Parallel()
	usersOf(t, func(t *testing.T, d *distro, args []string) {
		s := d.open(d.unc(append(args, "sh")...))
		s.do(`{ nc -l -p 80 -e echo hello & } && until nc -w 5 127.0.0.1 80 </dev/null >/open/heard 2>/dev/null; do kill -0 $! || exit; done`)
		if got := s.do("wait; cat /open/heard; rm /open/heard"); got != "hello\n" {
			t.Errorf("the server at port 80 said %q, want %q", got, "hello\n")
		}
		if output, code := s.try("ip link set eth0 down"); code == 0 {
			t.Errorf("a user could change the network: %s", output)
		}
		s.end()
	})
}

// Busybox's ping wants a raw socket; that of a system makes do with one of icmp(7).
func TestUsersMayPing(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	ping := systemProgram(t, "/usr/bin/ping", "sudo apt-get install iputils-ping")
	for _, userns := range []string{"auto", "single"} {
		t.Run(userns, func(t *testing.T) {
			d := d.of(t)
			got := d.run(d.unc("run", "--userns", userns, "-u", "1000:1001", "sh", "-c", `"$0" -c 1 -W 5 10.100.42.1 && "$0" -6 -c 1 ::1`, ping)).works(t)
			if n := strings.Count(got, " 0% packet loss"); n != 2 {
				t.Errorf("%d of 2 addresses answered: %s", n, got)
			}
		})
	}
}
