package e2e

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"unc/internal/tier"
	"unc/test/confinement"
)

var update = flag.Bool("update", false, "record what may be done in a container, instead of comparing it")

const (
	confinementLists = "../confinement/testdata"
	confinementDoc   = "../../docs/confinement.md"

	// generated ends what is written by hand.
	generated = "<!-- From here on made by go test ./test/e2e -run TestConfinement -update -->\n"
)

// confinements are what the probe is run by, besides Docker. The rootfs belongs to the user.
var confinements = []struct {
	name, program string
	about         func(h *host) string
	start         func(h *host, rootfs string) *exec.Cmd
}{
	{
		"unc", "",
		func(*host) string { return "unc, for a user without subordinate ids" },
		func(h *host, rootfs string) *exec.Cmd { return h.unc(h.alice, "run", "--rootfs", rootfs, "/probe") },
	},
	{
		"bwrap", "bwrap",
		func(h *host) string { return h.root("bwrap --version") },
		func(h *host, rootfs string) *exec.Cmd {
			return h.as(h.alice, "bwrap", "--unshare-all", "--bind", rootfs, "/", "--dev", "/dev", "--proc", "/proc", "/probe")
		},
	},
}

// What a program can and can't do inside is what docs/confinement.md says, and no more.
// It is not parallel: where there are modules, root has the kernel load some (sctp, for a
// socket), and their settings turn up on the hosts of all tests.
func TestConfinement(t *testing.T) {
	h := newHost(t)
	probe := confinementProbe(t)
	root := h.probes("root of this machine, in new namespaces", unconfined(h, newProbeRootfs(t, h, probe)))
	h.settle() // with what the modules have
	keep(t, "root", root)
	for _, c := range confinements {
		t.Run(c.name, func(t *testing.T) {
			h := h.of(t)
			if c.program != "" {
				if _, err := exec.LookPath(c.program); err != nil {
					tier.Skip(t, "%s is missing", c.program)
				}
			}
			list := h.probes(strings.TrimSpace(c.about(h)), c.start(h, newProbeRootfs(t, h, probe)))
			if keep(t, c.name, list) {
				return
			}
			different, compared := confinement.Compare(
				confinement.Run{Confined: list, Root: root},
				confinement.Run{Confined: recordedList(t, c.name), Root: recordedList(t, "root")},
			)
			for _, d := range different {
				t.Error(d)
			}
			// On a kernel that lacks much, a part is left out. Most can't be.
			if all := len(list.Results); compared < all*2/3 {
				t.Errorf("compared %d of %d, want two thirds at least: is this the root of the machine?", compared, all)
			}
			t.Logf("%d of %d compared", compared, len(list.Results))
		})
	}
	if *update {
		documents(t, true)
	}
	// Docker's list was made by a probe that tried the same.
	docker := recordedList(t, "docker").Outcomes()
	for _, r := range root.Results {
		if _, there := docker[r.Key()]; !there {
			t.Errorf("%s %s is not recorded for Docker: sudo go run ./test/confinement/record", r.Verb, r.Object)
		}
	}
}

// docs/confinement.md shows what is recorded.
func TestConfinementIsDocumented(t *testing.T) { documents(t, false) }

// documents compares docs/confinement.md with what is recorded, or writes it.
func documents(t *testing.T, write bool) {
	t.Helper()
	text, err := os.ReadFile(confinementDoc)
	must(t, err)
	written, table, found := strings.Cut(string(text), generated)
	if !found {
		t.Fatalf("%s has no line %q", confinementDoc, generated)
	}
	columns := []confinement.Column{
		{Name: "unc", List: recordedList(t, "unc")},
		{Name: "Docker", List: recordedList(t, "docker")},
		{Name: "bwrap", List: recordedList(t, "bwrap")},
	}
	want := confinement.Table(recordedList(t, "root"), columns)
	switch {
	case write:
		must(t, os.WriteFile(confinementDoc, []byte(written+generated+want), 0o644))
	case table != want:
		t.Errorf("%s is not what is recorded: as root, go test ./test/e2e -run TestConfinement -update", confinementDoc)
	}
}

// confinementProbe is the probe: a program that UNC_PROBE names, or one built from this tree.
func confinementProbe(t *testing.T) string {
	t.Helper()
	if probe := os.Getenv("UNC_PROBE"); probe != "" {
		return probe
	}
	probe := filepath.Join(newDir(t, user{}), "probe")
	if err := confinement.BuildProbe(probe); err != nil {
		tier.Skip(t, "UNC_PROBE names no probe, and %v", err)
	}
	return probe
}

func newProbeRootfs(t *testing.T, h *host, probe string) string {
	t.Helper()
	rootfs := newDir(t, h.alice)
	must(t, confinement.NewRootfs(rootfs, probe))
	return rootfs
}

// unconfined runs the probe as root of the machine, who has only made namespaces, so that
// it finds the same pids, names and mounts.
func unconfined(h *host, rootfs string) *exec.Cmd {
	return h.command("unshare", "--mount", "--propagation", "private", "--uts", "--ipc", "--cgroup", "--pid", "--fork", "--kill-child",
		"sh", "-euc", `
			mount --bind "$1" "$1"
			cd "$1"
			mount -t proc proc proc
			mount -t sysfs sysfs sys
			mount --rbind /dev dev
			mount -t tmpfs tmpfs dev/shm
			# Where others have masks, root has mounts that hide nothing and can be taken off.
			for f in proc/acpi proc/bus proc/fs proc/interrupts proc/irq proc/kcore proc/keys proc/scsi proc/sys \
				proc/sysrq-trigger proc/timer_list sys/firmware; do
				[ ! -e "$f" ] || mount --bind "$f" "$f"
			done
			# Not chroot, from which the kernel lets nobody make a user namespace.
			pivot_root . tmp
			/tmp/bin/busybox umount -l /tmp
			exec /probe`, "sh", rootfs)
}

// probes runs the probe and reads what it prints.
func (h *host) probes(about string, cmd *exec.Cmd) *confinement.List {
	h.t.Helper()
	// A descriptor of the caller's, for the probe to find, or not.
	cmd.ExtraFiles = []*os.File{os.Stderr}
	got := h.run(cmd)
	list, err := confinement.Parse(strings.NewReader(got.works(h.t)))
	must(h.t, err)
	kernel, err := confinement.Kernel()
	must(h.t, err)
	list.About = about + ", on " + kernel
	return list
}

func recordedList(t *testing.T, name string) *confinement.List {
	t.Helper()
	f, err := os.Open(filepath.Join(confinementLists, name+".txt"))
	must(t, err)
	defer f.Close()
	list, err := confinement.Parse(f)
	must(t, err)
	return list
}

// keep records a list, if the tests are to.
func keep(t *testing.T, name string, list *confinement.List) bool {
	t.Helper()
	if *update {
		must(t, os.WriteFile(filepath.Join(confinementLists, name+".txt"), []byte(list.String()), 0o644))
	}
	return *update
}
