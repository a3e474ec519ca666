package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Never is a container started without a limit that was asked for.
func TestLimitsThatNobodyCanSet(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	membership, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	_, err = os.Stat("/run/systemd/system")
	booted := err == nil
	want := "sudo sh -c 'cd " // root can hand a group to the user
	switch v1 := strings.Contains(string(membership), ":memory:"); {
	case v1 && booted:
		want = "systemd.unified_cgroup_hierarchy=1"
	case v1:
		want = "cgroup_no_v1=all"
	case booted:
		want = "sudo loginctl enable-linger " + strconv.Itoa(h.alice.uid)
	}
	hints := h.refused(h.alice)
	if len(hints) == 0 || !strings.HasPrefix(hints[0], want) {
		t.Errorf("got hints %q, want %q", hints, want)
	}
	for _, limit := range []string{"--cpus=1", "--cpuset-cpus=0", "--pids-limit=10"} {
		h.run(h.unc(h.alice, "run", "--network", "none", limit, "true")).fails(t, "limiting the container's ")
	}
	// Not a limit.
	h.run(h.unc(h.alice, "run", "--network", "none", "--pids-limit", "-1", "true")).works(t)
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	got := d.run(d.unc("-m", "64m", "--rootfs", busyboxRootfs(t, d.u), "tail", "/dev/zero"))
	if got.code != 137 {
		t.Errorf("exit code %d, want 137", got.code)
	}
	if want := "unc: out of memory, with --memory 64m: a process of the container was killed\n"; got.stderr != want {
		t.Errorf("stderr is %q, want %q", got.stderr, want)
	}
}

// Only the process that wants too much is killed, as Docker has it, and what is
// within the limit is nobody's business.
func TestOthersOutliveAnOOMKill(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	rootfs := busyboxRootfs(t, d.u)
	got := d.run(d.unc("-m", "64m", "--rootfs", rootfs, "sh", "-c", "tail /dev/zero; echo $?"))
	if got.code != 0 || got.stdout != "137\n" || !strings.Contains(got.stderr, "out of memory") {
		t.Errorf("got %+v, want that the shell sees a process killed, and a line about it", got)
	}
	got = d.run(d.unc("-m", "64m", "--rootfs", rootfs, "sh", "-c", "head -c 16m /dev/zero | tail | wc -c"))
	if got.works(t) != "16777216\n" || got.stderr != "" {
		t.Errorf("got %+v, want 16 MiB counted in silence", got)
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	const quota = 20_000 // microseconds in each tenth of a second
	s := d.open(d.unc("--cpus", "0.2", "--rootfs", busyboxRootfs(t, d.u), "sh"))
	s.do("for i in 1 2; do while :; do :; done & done")
	stat := d.group() + "/cpu.stat"
	within(t, patience, "twenty tenths of a second", func() bool { return value(t, stat, "nr_periods") >= 20 })
	if value(t, stat, "nr_throttled") == 0 {
		t.Error("two busy loops were never stopped")
	}
	// The periods after the time, so that there may be one more, but never less.
	used := value(t, stat, "usage_usec")
	periods := value(t, stat, "nr_periods")
	// A processor may finish the slice that it has (sched_cfs_bandwidth_slice_us, 5 ms), in each period.
	if most := (periods + 2) * (quota + 2*5_000); used > most {
		t.Errorf("got %d µs in %d periods, want %d at most", used, periods, most)
	}
	kill(t, s.pid(), unix.SIGKILL)
	s.ended()
	d.sweeps()
}

func TestProcessorLimit(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	rootfs := busyboxRootfs(t, d.u)
	got := d.run(d.unc("--cpuset-cpus", "0", "--rootfs", rootfs, "sh", "-c", "nproc; grep Cpus_allowed_list /proc/self/status"))
	if want := "1\nCpus_allowed_list:\t0\n"; got.works(t) != want {
		t.Errorf("got %q, want %q", got.stdout, want)
	}
	d.run(d.unc("--cpuset-cpus", "0,8000", "--rootfs", rootfs, "true")).fails(t, "processor 8000 is not among those")
}

func TestProcessLimit(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	const most = 20
	s := d.open(d.unc("--pids-limit", strconv.Itoa(most), "--rootfs", busyboxRootfs(t, d.u), "sh"))
	s.do("bomb() { bomb | bomb & }; exec 2>/dev/null; bomb")
	group := d.group()
	// Before Linux 6.11 it is counted where the process is that may not fork, and only there.
	within(t, patience, "processes refused", func() bool { return value(t, group+"/container/pids.events", "max") > 0 })
	if n := value(t, group+"/pids.current", ""); n > most {
		t.Errorf("got %d processes, want %d at most", n, most)
	}
	kill(t, s.pid(), unix.SIGKILL)
	s.ended()
	d.sweeps()
}

// Each process of a container is born in its group, the first one included, and sees
// nothing above it.
func TestNothingEscapesTheCount(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	s := d.open(d.unc("--pids-limit", "50", "--rootfs", busyboxRootfs(t, d.u), "sh"))
	if got, want := s.do("cat /proc/1/cgroup"), "0::/\n"; got != want {
		t.Errorf("inside: got %q, want %q", got, want)
	}
	s.do("(setsid sleep 1000 >/dev/null 2>&1 &); sleep 1000 >/dev/null 2>&1 &")
	group := strings.TrimPrefix(d.group(), groups)
	inside := 0
	for _, pid := range processesOf(d.u) {
		want := "0::" + group + "/container"
		if pid == s.pid() {
			want = "0::" + strings.TrimPrefix(d.dir, groups) + "/shell"
		} else {
			inside++
		}
		if got := d.readProc(pid, "cgroup"); strings.TrimSpace(got) != want {
			t.Errorf("%s: got group %q, want %q", commandLine(pid), got, want)
		}
	}
	if inside < 4 {
		t.Errorf("got %d processes inside, want the first one, a shell and two that sleep", inside)
	}
	s.end()
}

func TestNoGroupIsLeft(t *testing.T) {
	t.Parallel()
	d := delegate(t)
	rootfs := busyboxRootfs(t, d.u)
	for _, command := range [][]string{{"true"}, {"not-there"}, {"sh", "-c", "kill -9 $$"}, {"sh", "-c", "setsid sleep 1000 & exit 3"}} {
		d.run(d.unc(append([]string{"--pids-limit", "50", "--rootfs", rootfs}, command...)...))
		if left := d.below(); !slices.Equal(left, []string{"shell"}) {
			t.Errorf("%q: groups are left: %q", command, left)
		}
	}
	s := d.open(d.unc("--pids-limit", "50", "--rootfs", rootfs, "sh"))
	kill(t, s.pid(), unix.SIGKILL)
	s.ended()
	d.sweeps()
}

func TestUlimit(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	run := func(flag string) *exec.Cmd {
		return h.unc(h.alice, "run", "--network", "none", "--rootfs", rootfs, "--ulimit", flag, "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -Sc")
	}
	got := h.run(via(run("nofile=100:200"), "prlimit", "--core=0", "--nofile=300")).works(t)
	if want := "100\n200\n0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	h.run(via(run("nofile=301"), "prlimit", "--nofile=300")).fails(t, "your own hard limit is 300")
}
