package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// finding is one of unc doctor's, as --format json has it.
type finding struct {
	Name, State, Text string
	Fix               []string
}

type findings []finding

// of are the findings of a name.
func (list findings) of(name string) findings {
	return slices.DeleteFunc(slices.Clone(list), func(f finding) bool { return f.Name != name })
}

func (list findings) in(state string) findings {
	return slices.DeleteFunc(slices.Clone(list), func(f finding) bool { return f.State != state })
}

// examined reads what unc doctor says, and holds its exit code to that.
func examined(t *testing.T, got result) (list findings) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil {
		t.Fatalf("%q, exit code %d, stderr %q: %v", got.stdout, got.code, got.stderr, err)
	}
	want := 0
	if len(list.in("problem")) > 0 {
		want = 1
	}
	if got.code != want || got.stderr != "" {
		t.Errorf("exit code %d, stderr %q, want %d and nothing, for %+v", got.code, got.stderr, want, list)
	}
	for _, f := range list {
		if f.Text == "" || f.State != "ok" && f.State != "note" && f.State != "problem" || f.State == "ok" && len(f.Fix) > 0 {
			t.Errorf("got %+v", f)
		}
	}
	return list
}

// wanted is a finding that a test brings about: what its text has, and its command.
type wanted struct{ name, state, text, fix string }

func (w wanted) is(f finding) bool {
	fixed := len(f.Fix) == 0
	if w.fix != "" {
		fixed = slices.ContainsFunc(f.Fix, func(command string) bool { return strings.Contains(command, w.fix) })
	}
	return f.Name == w.name && f.State == w.state && strings.Contains(f.Text, w.text) && fixed
}

// wants fails the test for each that is not among the findings.
func (list findings) wants(t *testing.T, all ...wanted) {
	t.Helper()
	for _, w := range all {
		if !slices.ContainsFunc(list, w.is) {
			t.Errorf("got %+v, want %s: %s with %q, and %q as the command", list.of(w.name), w.name, w.state, w.text, w.fix)
		}
	}
}

// patient is a machine on which all is well, for alice.
type patient struct {
	*host
	etc private
}

func newPatient(t *testing.T) patient {
	t.Helper()
	h, _ := newNeighbours(t)
	p := patient{h, newPrivate(t, h)}
	for _, file := range []string{"subuid", "subgid"} {
		p.etc.write(t, file, "alice:1000000:65536\n")
	}
	return p
}

// doctor prepares unc doctor of that file.
func (p patient) doctor(binary string) *exec.Cmd {
	p.t.Helper()
	return p.as(p.alice, binary, "doctor", "--format", "json")
}

// examine is what unc doctor says to alice where a script of root's has changed something.
func (p patient) examine(script string) findings {
	p.t.Helper()
	return examined(p.t, p.run(p.on(p.doctor(unc), script)))
}

// on has cmd run where p's files are /etc, and a script of root's has changed more.
func (p patient) on(cmd *exec.Cmd, script string) *exec.Cmd {
	return withMounts(cmd, "mount --bind \"$1\" /etc\n"+script, p.etc.dir)
}

// dependsOnTheMachine are the checks of what no test can bring about: they may be a note here.
func dependsOnTheMachine(name string) bool { return name == "limits" || name == "modules" }

// What is well is said to be, and looking changes nothing.
func TestDoctorOfAHealthyMachine(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	needProgram(t, "newuidmap", "uidmap")
	first := p.examine("")
	for _, f := range first {
		if f.State != "ok" && !dependsOnTheMachine(f.Name) {
			t.Errorf("got %+v, want it ok", f)
		}
	}
	if hasBridge(p.host) {
		t.Error("looking has made a bridge")
	}
	var names []string
	for _, f := range first {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := slices.Sorted(slices.Values(documentedChecks(t))); !slices.Equal(names, want) {
		t.Errorf("got findings %q, and docs/doctor.md has %q", names, want)
	}
	// So it is with a container there; and as text it is the same.
	c := p.etc.container(p.host, p.alice, busyboxRootfs(t, p.alice), "-p", "8080:80")
	list := p.examine("")
	list.wants(t,
		wanted{"quota", "ok", "1 of 128 containers and 1 of 128 published ports", ""},
		wanted{"filter", "ok", "is in place", ""},
		wanted{"bridge", "ok", "10.100.42.0/24", ""},
	)
	text := p.run(p.on(p.unc(p.alice, "doctor"), "")).works(t)
	for _, f := range list {
		if !strings.Contains(text, f.Name) || !strings.Contains(text, f.Text+"\n") {
			t.Errorf("got %q, want %+v in it", text, f)
		}
	}
	// The others are none of alice's business.
	if strings.Contains(text, "bob") {
		t.Errorf("got %q", text)
	}
	c.end()
	p.nothingLeft()
}

// documentedChecks are the names in the table of docs/doctor.md.
func documentedChecks(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/doctor.md")
	must(t, err)
	_, table, found := strings.Cut(string(text), "\n| name | what is looked at | what is wrong with it |\n| --- | --- | --- |\n")
	if !found {
		t.Fatal("docs/doctor.md has no table of findings")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "`")
		if !strings.HasPrefix(line, "| `") || len(cells) < 3 {
			break
		}
		names = append(names, cells[1])
	}
	return names
}

// Each finding about the program and the process is brought about, and says what helps.
func TestDoctorOfTheProgram(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	other := newDir(t, user{}) + "/unc"
	must(t, copyFile(other, plain, 0o755))
	p.root(`setcap cap_net_raw+ep "$1"`, other)
	for _, test := range []struct {
		name string
		cmd  func(p patient) *exec.Cmd
		want []wanted
	}{
		{"no capability on the file", func(p patient) *exec.Cmd { return p.on(p.doctor(plain), "") }, []wanted{
			{"file-capability", "problem", "has not got the file capability", "sudo setcap cap_net_admin+ep " + plain},
			{"net-setup", "problem", "for the same reason as file-capability", ""},
			{"policy", "ok", "may use the network", ""},
		}},
		{"another capability", func(p patient) *exec.Cmd { return p.on(p.doctor(other), "") }, []wanted{
			{"file-capability", "problem", "but not cap_net_admin", "sudo setcap cap_net_admin+ep " + other},
			{"net-setup", "problem", "for the same reason as file-capability", ""},
		}},
		{"a nosuid mount", func(p patient) *exec.Cmd {
			return p.on(p.doctor(unc), `mount --bind "`+workDir+`" "`+workDir+`" && mount -o remount,bind,nosuid "`+workDir+`"`)
		}, []wanted{
			{"mount", "problem", "mounted nosuid", "findmnt -T " + unc},
			{"net-setup", "problem", "for the same reason as mount", ""},
			{"file-capability", "ok", "has cap_net_admin", ""},
		}},
		{"no_new_privs", func(p patient) *exec.Cmd {
			return p.on(p.as(p.alice, "setpriv", "--no-new-privs", unc, "doctor", "--format", "json"), "")
		}, []wanted{
			{"no-new-privs", "problem", "no_new_privs is set", "start unc from outside"},
			{"net-setup", "problem", "for the same reason as no-new-privs", ""},
			{"subordinate-ids", "note", "no_new_privs is set", ""},
			{"container", "ok", "tried", ""},
		}},
		{"the bounding set", func(p patient) *exec.Cmd {
			return via(p.on(p.doctor(permitted), ""), "setpriv", "--bounding-set=-net_admin")
		}, []wanted{
			{"bounding-set", "problem", "not in the bounding set", "start unc from outside"},
			{"net-setup", "problem", "for the same reason as bounding-set", ""},
		}},
		{"a tracer", func(p patient) *exec.Cmd {
			return p.on(p.as(p.alice, "strace", "-f", "-o", "/dev/null", unc, "doctor", "--format", "json"), "")
		}, []wanted{
			{"tracing", "problem", "being traced", "without strace"},
			{"net-setup", "problem", "for the same reason as tracing", ""},
		}},
		{"an old kernel", func(p patient) *exec.Cmd { return via(p.on(p.doctor(unc), ""), "setarch", "--uname-2.6") }, []wanted{
			{"kernel", "problem", "unc needs 5.12 or newer", "full-upgrade"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := patient{p.with(t), p.etc}
			examined(t, p.run(test.cmd(p))).wants(t, test.want...)
		})
	}
}

// Limits on namespaces, as in TestNamespacesThatAreTurnedOff.
func TestDoctorOfNamespaces(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	for _, kind := range []string{"user", "net", "mnt", "pid", "uts", "ipc", "cgroup"} {
		t.Run(kind, func(t *testing.T) {
			p := patient{p.with(t), p.etc}
			setting := "user.max_" + kind + "_namespaces"
			cmd := via(p.doctor(unc), "sh", "-euc", `echo 0 >/proc/sys/`+strings.ReplaceAll(setting, ".", "/")+`; exec "$@"`, "sh")
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: identityMap(p.alice.uid), GidMappings: identityMap(p.alice.gid),
				GidMappingsEnableSetgroups: true,
			}
			list := examined(t, p.run(cmd))
			name := "namespaces"
			if kind == "user" {
				name = "user-namespaces"
				list.wants(t, wanted{"namespaces", "problem", "for the same reason as user-namespaces", ""})
			}
			list.wants(t,
				wanted{name, "problem", setting + " is 0", "sudo sysctl -w " + setting + "="},
				wanted{"container", "problem", "for the same reason as " + name, ""},
			)
			// It is also a user namespace, in which nobody can be given a network.
			list.wants(t, wanted{"net-setup", "problem", "outside of containers only", ""})
		})
	}
}

// What the trial finds is not in any setting.
func TestDoctorOfTheTrial(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	root := newDir(t, user{})
	t.Run("a chroot", func(t *testing.T) {
		p := patient{p.with(t), p.etc}
		cmd := p.as(p.alice, unc, "doctor", "--format", "json")
		examined(t, p.run(p.on(via(cmd, "chroot", root), `mount --rbind / "`+root+`"`))).wants(t,
			wanted{"container", "problem", "making a user namespace is not permitted here", "unshare -Ur true"},
			wanted{"user-namespaces", "ok", "this user may have", ""},
		)
	})
	t.Run("no overlay", func(t *testing.T) {
		p := patient{p.with(t), p.etc}
		p.examine(`mkdir -p /etc/unc/below && mount -t tmpfs none /etc/unc/below && mount --bind /dev/null "$(readlink -f /bin/false)"`).wants(t,
			wanted{"overlay", "note", "without overlays there is no -x", ""},
			wanted{"container", "ok", "tried", ""},
		)
	})
	t.Run("no processes", func(t *testing.T) {
		p := patient{p.with(t), p.etc}
		// The threads of the Go runtime count as well: it gives up below some limit, has an
		// answer above it, and with many more all is well. Each limit is tried.
		for limit, problems := 4, 0; ; limit++ {
			if limit > 500 {
				t.Fatal("all is not well with 500 processes either")
			}
			got := p.run(p.on(p.as(p.alice, "prlimit", fmt.Sprintf("--nproc=%d", limit), unc, "doctor", "--format", "json"), ""))
			if got.code == 0 {
				if problems == 0 {
					t.Error("there was an answer under no limit that is too low")
				}
				t.Logf("all is well with %d processes, and not with %d that are fewer", limit, problems)
				return
			}
			if got.code == 2 || got.code == 125 { // the runtime, or the first line of main
				continue
			}
			if list := examined(t, result{stdout: got.stdout, code: got.code}); len(list.in("problem")) == 0 {
				t.Errorf("%d processes: got %+v, want a problem", limit, list)
			}
			problems++
		}
	})
}
