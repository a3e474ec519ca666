package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Of the environment a further command has what the first has, and what is asked for.
func TestExecEnvironment(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithUsers(t, h.alice)
	file := filepath.Join(newDir(t, h.alice), "env")
	must(t, os.WriteFile(file, []byte("# comment\nTWICE=file\nFILE=1\nONE\n"), 0o644))
	c := h.living(rootfs, "--network", "none", "--hostname", "box", "-e", "RUN=run", "-e", "TWICE=run", "-w", "/tmp")
	defer c.end()
	const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, test := range []struct {
		name  string
		flags []string
		want  []string
		dir   string
	}{
		{"nothing asked for", nil, []string{"HOME=/root", path, "TERM=dumb", "HOSTNAME=box", "RUN=run", "TWICE=run"}, "/tmp"},
		{
			"flags and a file",
			[]string{"-e", "RUN=exec", "--env-file", file, "-e", "TWICE=exec", "-e", "APP_*", "-e", "NOT_THERE", "--env=EMPTY"},
			[]string{
				"HOME=/root", path, "TERM=dumb", "HOSTNAME=box", "RUN=exec", "TWICE=exec", "FILE=1", "ONE=caller's",
				"APP_ONE=1", "APP_TWO=2=3", "EMPTY=",
			},
			"/tmp",
		},
		{
			"instead of unc's own",
			[]string{"-u", "root", "-w", "/open", "-e", "HOME=/open", "-e", "TERM=vt52"},
			[]string{"HOME=/open", path, "TERM=vt52", "HOSTNAME=box", "RUN=run", "TWICE=run"},
			"/open",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.of(t)
			cmd := c.exec(test.flags, "sh", "-c", `tr '\0' '\n' </proc/self/environ; pwd`)
			cmd.Env = append(slices.Clone(environment), callersVariables...)
			got := strings.Split(strings.TrimSuffix(c.run(cmd).works(t), "\n"), "\n")
			want := append(slices.Clone(test.want), test.dir)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	// The command is looked for where its own PATH leads.
	must(t, makeScript(filepath.Join(rootfs, "open/tool"), "#!/bin/sh\necho of tools\n"))
	if got := c.run(c.exec([]string{"-e", "PATH=/bin:/open"}, "tool")).works(t); got != "of tools\n" {
		t.Errorf("the tool says %q", got)
	}
	if got := c.run(c.exec(nil, "tool")); got.code != 127 {
		t.Errorf("without PATH: exit code %d, want 127", got.code)
	}
}

// Who a further command is, the container's files say as they are by then.
func TestExecUsers(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	passwd := filepath.Join(rootfs, "etc/passwd")
	for _, test := range []struct {
		flags []string
		user  string
		want  string // uid, gid, groups, home
		fails string
	}{
		{[]string{"--userns=auto"}, "", "0 0 65534 /root", ""}, // as with run, nobody's groups but alice's
		{[]string{"--userns=auto"}, "root:50", "0 50  /root", ""},
		{[]string{"--userns=auto"}, "carol", "1000 1001 10 50 /home/carol", ""},
		{[]string{"--userns=auto"}, "1000:7", "1000 7  /home/carol", ""},
		{[]string{"--userns=auto"}, "33:34", "33 34  /", ""},
		{[]string{"--userns=auto"}, "erin", "3000 3001  /home/erin", ""}, // who has come later
		{[]string{"--userns=auto"}, "nobody-there", "", `there is no user "nobody-there" in the container's /etc/passwd`},
		{[]string{"--userns=auto"}, "70000", "", `--user "70000": the container has no user id 70000`},
		{[]string{"--userns=auto"}, "0:70000", "", `--user "0:70000": the container has no group id 70000`},
		{[]string{"--userns=auto"}, "frank", "", `--user "frank": the container has no group id 70000`}, // of those that list him
		{[]string{"--userns=auto"}, "0:nobodies", "", "hint: unc exec -u UID:GID box COMMAND "},
		{[]string{"--userns=auto", "-u", "carol"}, "", "1000 1001 10 50 /home/carol", ""},
		{[]string{"--userns=auto", "-u", "carol"}, "0", "0 0  /root", ""},
		{[]string{"--userns=single"}, "", "0 0 65534 /root", ""},
		{[]string{"--userns=single"}, "0", "0 0 65534 /root", ""},
		{[]string{"--userns=single"}, "carol", "", `--user "carol": the container has no user id 1000`},
		{[]string{"--userns=single", "-u", "carol"}, "", "1000 1001 65534 /home/carol", ""},
		{[]string{"--userns=single", "-u", "carol"}, "carol", "1000 1001 65534 /home/carol", ""},
		{[]string{"--userns=single", "-u", "carol"}, "root", "", `--user "root": the container has no user id 0`},
		{[]string{"--userns=keep-id"}, "", fmt.Sprintf("%d %d 65534 /", d.alice.uid, d.alice.gid), ""},
		{[]string{"--userns=keep-id"}, "carol", "1000 1001 10 50 /home/carol", ""},
	} {
		t.Run(strings.Join(append(slices.Clone(test.flags), "exec", test.user), " "), func(t *testing.T) {
			d := d.with(t)
			must(t, os.WriteFile(passwd, []byte(containersUsers), 0o644))
			const groups = 3888888888 // alice's, outside
			run := slices.Concat([]string{"run", "-d", "--name", "box", "--network", "none", "--rootfs", rootfs}, test.flags, []string{"sleep", "1000"})
			d.run(d.etc.mounted(withGroup(d.host.unc(d.alice, run...), groups))).works(t)
			defer func() {
				d.run(d.unc("kill", "box")).works(t)
				d.forgotten(d.alice)
			}()
			must(t, os.WriteFile(passwd, []byte(containersUsers+"erin:x:3000:3001::/home/erin:\nfrank:x:3002:3001::/:\n"), 0o644))
			args := []string{"exec"}
			if test.user != "" {
				args = append(args, "-u", test.user)
			}
			got := d.run(d.unc(append(args, "box", "sh", "-euc", asksItself+"; rm /open/made")...))
			if test.fails != "" {
				got.fails(t, test.fails)
				return
			}
			lines := strings.Split(strings.TrimSuffix(got.works(t), "\n"), "\n")
			for i := range lines {
				lines[i] = strings.TrimSpace(lines[i])
			}
			if said := strings.Join(lines, " "); said != test.want {
				t.Errorf("got %q, want %q", said, test.want)
			}
		})
	}
}

// A further command is as confined as the first, and its equal in all that the kernel knows.
func TestExecIsTheFirstCommandsEqual(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithUsers(t, h.alice)
	for _, flags := range [][]string{
		nil,
		{"--cap-add", "SYS_PTRACE", "--cap-drop", "NET_RAW", "--ulimit", "nofile=77:88", "--ulimit", "core=0"},
		{"--userns=single", "-u", "carol", "--cap-add", "NET_BIND_SERVICE"},
		{"--security-opt", "seccomp=unconfined", "--read-only"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			h := h.with(t)
			c := h.living(rootfs, flags...)
			defer c.end()
			cmd := c.exec(nil, "sleep", "2000")
			h.start(cmd)
			first, second := h.sleeping("1000"), h.sleeping("2000")
			one, other := statusOf(first), statusOf(second)
			for _, field := range []string{
				"Uid", "Gid", "Groups", "Umask", "NoNewPrivs", "Seccomp", "Seccomp_filters", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
				"SigBlk", "SigIgn", "SigCgt", "TracerPid", "Speculation_Store_Bypass", "SpeculationIndirectBranch",
			} {
				if one[field] != other[field] {
					t.Errorf("%s is %q, want %q", field, other[field], one[field])
				}
			}
			for _, file := range []string{"cgroup", "limits", "oom_score_adj", "mountinfo", "uid_map", "gid_map", "personality", "timerslack_ns"} {
				if a, b := h.readProc(first, file), h.readProc(second, file); a != b {
					t.Errorf("%s is %q, want %q", file, b, a)
				}
			}
			for _, ns := range []string{"user", "mnt", "pid", "net", "uts", "ipc", "cgroup", "time"} {
				a, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", first, ns))
				must(t, err)
				if b, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", second, ns)); a != b {
					t.Errorf("namespace %s is %q, %v; want %q", ns, b, err, a)
				}
			}
			if stat := strings.Fields(h.readProc(second, "stat")); stat[4] != stat[0] || stat[5] != stat[0] {
				t.Errorf("the command is in group %s and session %s, want its own", stat[4], stat[5])
			}
			fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", second))
			must(t, err)
			if len(fds) != 3 {
				t.Errorf("the command has %d descriptors, want 3", len(fds))
			}
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			wait(t, cmd)
		})
	}
}

// What pid 1 has of its supervisor's is nobody's in the container, before exec and after.
func TestExecShowsNothingOfTheSupervisor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--cap-add", "SYS_PTRACE", "--cap-add", "DAC_READ_SEARCH")
	defer c.end()
	for range 3 {
		got := c.run(c.exec(nil, "sh", "-c", `for f in environ mem maps auxv io stack syscall; do
				head -c 1 /proc/1/$f >/dev/null 2>&1 && echo "$f can be read"
			done
			for f in fd root cwd exe ns/mnt; do
				{ readlink /proc/1/$f || [ ! -d /proc/1/$f ] || ls /proc/1/$f/; } 2>/dev/null
			done
			tr -d '\0' </proc/1/cmdline
			ls /proc/self/fd | wc -l`)).works(t)
		// The directory that ls lists is the fourth.
		if got != "4\n" {
			t.Errorf("a further command says %q, want that it found nothing", got)
		}
	}
}
