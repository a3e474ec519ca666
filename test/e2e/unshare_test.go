package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestUnshareIDs(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	const script = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map"
	first := firstSubordinate(d.alice)
	line := func(inside, outside, count int) string {
		return fmt.Sprintf("%10d %10d %10d\n", inside, outside, count)
	}
	t.Run("subordinate ones", func(t *testing.T) {
		d := d.with(t)
		want := "0\n0\n" + line(0, d.alice.uid, 1) + line(1, first, subordinateIDs) + line(0, d.alice.gid, 1) + line(1, first, subordinateIDs)
		if got := d.run(d.unc("unshare", "sh", "-c", script)).works(t); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("one's own alone", func(t *testing.T) {
		h := d.host.with(t)
		want := "0\n0\n" + line(0, h.alice.uid, 1) + line(0, h.alice.gid, 1)
		if got := h.run(h.unc(h.alice, "unshare", "sh", "-c", script)).works(t); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("one's own alone, by choice", func(t *testing.T) {
		d := d.with(t)
		want := "0\n0\n" + line(0, d.alice.uid, 1) + line(0, d.alice.gid, 1)
		if got := d.run(d.unc("unshare", "--userns=single", "sh", "-c", script)).works(t); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("of who called sudo", func(t *testing.T) {
		d := d.with(t)
		cmd := d.command(unc, "unshare", "sh", "-c", script+"; grep ^Groups /proc/self/status; cat /etc/shadow")
		cmd.Env = append(slices.Clone(environment), "SUDO_UID="+strconv.Itoa(d.alice.uid), "SUDO_GID="+strconv.Itoa(d.alice.gid))
		d.etc.write(t, "shadow", "")
		must(t, os.Chmod(d.etc.dir+"/shadow", 0o600))
		got := d.run(d.etc.mounted(cmd))
		want := "0\n0\n" + line(0, d.alice.uid, 1) + line(1, first, subordinateIDs) + line(0, d.alice.gid, 1) + line(1, first, subordinateIDs) + "Groups:\t \n"
		if got.stdout != want || got.code != 1 || !strings.Contains(got.stderr, "Permission denied") {
			t.Errorf("got %+v, want %q, and that alice may not read what is root's", got, want)
		}
		if want := fmt.Sprintf("unc: running as user \"alice\" (uid %d), not as root\n", d.alice.uid); !strings.HasPrefix(got.stderr, want) {
			t.Errorf("stderr is %q, want first %q", got.stderr, want)
		}
	})
}

func TestUnshareExitCodes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range []struct {
		name string
		args []string
		want int
		says string // of unc's, on stderr; "" is silence
	}{
		{"success", []string{"true"}, 0, ""},
		{"one of the command's", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"unc's own from a command", []string{"sh", "-c", "exit 125"}, 125, ""},
		{"after dashes", []string{"--", "sh", "-c", "exit 3"}, 3, ""},
		{"SIGTERM", []string{"sh", "-c", "kill -TERM $$"}, 128 + 15, ""},
		{"SIGKILL", []string{"sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		{"not executable", []string{"/etc/passwd"}, 126, `command not executable: "/etc/passwd"`},
		{"a directory", []string{"/usr"}, 126, `command not executable: "/usr"`},
		{"not found", []string{"nowhere-at-all"}, 127, `command not found: "nowhere-at-all"`},
		{"no command", nil, 125, "command"},
		{"a flag", []string{"--rootfs", "/", "true"}, 125, "unknown flag --rootfs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			got := h.run(h.unc(h.alice, append([]string{"unshare"}, test.args...)...))
			if got.code != test.want {
				t.Errorf("exit code %d, want %d; stderr: %s", got.code, test.want, got.stderr)
			}
			if test.says != "" {
				got.says(t, test.says)
			} else if got.stderr != "" {
				t.Errorf("stderr is %q, want silence", got.stderr)
			}
			if got.stdout != "" {
				t.Errorf("stdout is %q, want silence", got.stdout)
			}
		})
	}
}

// All but the ids is the caller's: his directory, files, streams and environment.
func TestUnshareIsOnTheMachine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	dir := newDir(t, h.alice)
	run := func(stdin io.Reader, argv ...string) string {
		t.Helper()
		cmd := h.unc(h.alice, append([]string{"unshare"}, argv...)...)
		cmd.Dir, cmd.Stdin = dir, stdin
		cmd.Env = append(slices.Clone(environment), "GOTRACEBACK=none", "_ODD=a b=c")
		return h.run(cmd).works(t)
	}
	long := strings.Repeat("0123456789abcde\n", 1<<16)
	if got := run(strings.NewReader(long), "cat"); got != long {
		t.Errorf("of %d bytes, %d came back, or others", len(long), len(got))
	}
	if got := run(nil, "sh", "-c", "pwd; echo x >made"); got != dir+"\n" {
		t.Errorf("got %q, want %s", got, dir)
	}
	if got := listing(t, dir)["made"]; !strings.Contains(got, owner(h.alice)) {
		t.Errorf("the file is %q, want alice's", got)
	}
	got := strings.Split(strings.TrimSuffix(run(nil, "env"), "\n"), "\n")
	want := append(slices.Clone(environment), "_ODD=a b=c")
	// The shell that starts unc has added what dash(1) adds.
	got = slices.DeleteFunc(got, func(v string) bool { return strings.HasPrefix(v, "PWD=") || strings.HasPrefix(v, "OLDPWD=") })
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	// What the command may do is nothing that alice may not.
	rooted := newDir(t, user{})
	must(t, os.WriteFile(filepath.Join(rooted, "file"), nil, 0o600))
	for _, script := range []string{`cat "$0/file"`, `touch "$0/x"`, `chown 0:0 "$0/file"`, "hostname other", "ip link add x type dummy", `mknod "$0/null" c 1 3`} {
		if got := h.run(h.unc(h.alice, "unshare", "sh", "-c", script, rooted)); got.code == 0 {
			t.Errorf("%s: works: %+v", script, got)
		}
	}
}

func TestUnshareAtATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	// The shell is in the foreground as well, and would leave when its child has ended.
	const stays = "trap : INT; tty; " + plainly
	h.login(p, stays, "unshare", "sh", "-c", `tty; stty size
		trap 'echo interrupted' INT
		echo ready; read -r x || read -r x; echo "got $x"; exit 4`)
	name := strings.TrimSpace(p.expect("\r\n"))
	p.expect(name + "\r\n40 100\r\nready")
	p.typed("\x03")
	p.expect("interrupted")
	p.typed("hello\r")
	p.expect("got hello")
	p.ended(4)

	// Whom it does not surprise, an interrupt ends, and unc with him.
	p = newPty(t, h.alice)
	h.login(p, stays, "unshare", "sleep", "1000")
	eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
	p.typed("\x03")
	p.ended(128 + 2)
}

func TestUnsharePassesSignalsOn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cmd := h.unc(h.alice, "unshare", "sh", "-c", `
		for s in HUP USR1 USR2; do trap "echo got $s" $s; done
		trap 'trap "exit 42" TERM; echo got TERM' TERM
		sleep 1000 &
		sleeper=$!
		echo ready $sleeper
		while kill -0 $sleeper 2>/dev/null; do wait; done`)
	out, err := cmd.StdoutPipe()
	must(t, err)
	h.start(cmd)
	expect := expectLines(t, out)
	var sleepers []int
	eventually(t, "the sleeper", func() bool { sleepers = h.named("sleep"); return len(sleepers) == 1 })
	expect("ready " + strconv.Itoa(sleepers[0]))
	for _, name := range []string{"HUP", "USR1", "USR2", "TERM"} {
		kill(t, cmd.Process.Pid, forwarded[name])
		expect("got " + name)
	}
	kill(t, cmd.Process.Pid, unix.SIGTERM)
	if code := wait(t, cmd); code != 42 {
		t.Errorf("exit code %d, want the command's 42", code)
	}
	kill(t, sleepers[0], unix.SIGKILL)
	eventually(t, "no sleeper", func() bool { return len(h.named("sleep")) == 0 })

	// As it would without unc, a signal ends the command.
	cmd = h.unc(h.alice, "unshare", "sleep", "1000")
	h.start(cmd)
	eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
	kill(t, cmd.Process.Pid, unix.SIGTERM)
	if code := wait(t, cmd); code != 128+15 {
		t.Errorf("exit code %d, want %d", code, 128+15)
	}
}

// What a container's users have made, its owner can look after.
func TestUnshareLooksAfterATree(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	d.run(d.unc("run", "--network", "none", "--rootfs", rootfs, "-u", "33:33", "sh", "-euc", "mkdir -m 700 /open/www; echo page >/open/www/index")).works(t)
	www := filepath.Join(rootfs, "open/www")
	if got, want := listing(t, rootfs)["open/www/index"], fmt.Sprintf(" %d:%[1]d ", firstSubordinate(d.alice)+32); !strings.Contains(got, want) {
		t.Fatalf("the file is %q, want%s", got, want)
	}
	if got := d.run(d.as(d.alice, "sh", "-c", `cat "$0/index" || rm -rf "$0"`, www)); got.code == 0 {
		t.Errorf("alice alone: %+v, want refusals", got)
	}
	if got := d.run(d.unc("unshare", "cat", www+"/index")).works(t); got != "page\n" {
		t.Errorf("got %q, want the page", got)
	}
	d.run(d.unc("unshare", "chown", "-R", "5:6", www)).works(t)
	if got := d.run(d.unc("run", "--network", "none", "--rootfs", rootfs, "stat", "-c", "%u:%g", "/open/www/index")).works(t); got != "5:6\n" {
		t.Errorf("in a container the file is %q's, want 5:6's", got)
	}
	d.run(d.unc("unshare", "rm", "-rf", www)).works(t)
	if _, err := os.Lstat(www); err == nil {
		t.Error("it is still there")
	}
}
