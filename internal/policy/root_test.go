package policy

import (
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// emptyMachine puts the calling test into a mount namespace of its own where the
// directories that Load reads from are empty. The test keeps its thread, which
// ends with it; nothing is changed for anybody else.
func emptyMachine(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a test of the files that Load reads takes root, if only that of unshare -Urn")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		tier.Skip(t, "no mount namespace can be made: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("making the mounts private: %v", err)
	}
	for _, dir := range []string{"/etc", "/run"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			t.Fatalf("mounting on %q: %v", dir, err)
		}
	}
}

// Load knows where all of it is.
func TestLoadOfRoot(t *testing.T) {
	emptyMachine(t)
	got, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	// What the kernel running the test has to say is not the test's to choose.
	if got.Subnet6.IsValid() {
		boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			t.Fatal(err)
		}
		want.Subnet6 = subnet6Of(strings.TrimSpace(string(boot)))
	}
	if diff := cmp.Diff(want, got, compared); diff != "" {
		t.Errorf("policy without any file (-want +got):\n%s", diff)
	}

	makeDir(t, "/etc/unc")
	makeDir(t, "/run/flannel")
	write(t, "/etc/unc/network.conf", "SUBNET=flannel\nALLOW=alice @users\n")
	write(t, "/run/flannel/subnet.env", testFlannel)
	write(t, "/etc/passwd", "alice:x:1001:100:::\n")
	write(t, "/etc/group", "users:x:100:\n")
	write(t, "/etc/machine-id", testMachineID)
	if got, err = Load(); err != nil {
		t.Fatal(err)
	}
	if want.Subnet6.IsValid() {
		want.Subnet6 = derived
	}
	want.Subnet, want.Overlay, want.MTU = netip.MustParsePrefix("10.244.5.0/24"), netip.MustParsePrefix("10.244.0.0/16"), 1450
	want.everybody, want.users, want.groups = false, []uint32{1001}, []uint32{100}
	if diff := cmp.Diff(want, got, compared); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// A user's file does not count, and neither does what is in a user's directory.
func TestTrustedOfUser(t *testing.T) {
	if os.Getuid() != 0 || tier.Is("userns") {
		t.Skip("a test that gives files away takes root")
	}
	const user = 61003
	for _, test := range []struct {
		name, want, hint string
		of               func(m files) string
	}{
		{
			"file", `reading "/unc/network.conf": it belongs to uid 61003, not to root`,
			"sudo chown root:root /unc/network.conf", func(m files) string { return m.policy },
		},
		{
			"directory", `reading "/unc/network.conf": its directory belongs to uid 61003, not to root`,
			"sudo chown root:root /unc", func(m files) string { return dirOf(m.policy) },
		},
		{
			"flannel's file", `reading "/unc/network.conf", line 1: SUBNET: reading "/flannel/subnet.env": it belongs to uid 61003, not to root`,
			"sudo chown root:root /flannel/subnet.env", func(m files) string { return m.flannel },
		},
		{
			"flannel's directory", `reading "/unc/network.conf", line 1: SUBNET: reading "/flannel/subnet.env": its directory belongs to uid 61003, not to root`,
			"sudo chown root:root /flannel", func(m files) string { return dirOf(m.flannel) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			write(t, m.policy, "SUBNET=flannel")
			write(t, m.flannel, testFlannel)
			if err := os.Lchown(test.of(m), user, user); err != nil {
				tier.Skip(t, "giving a file away: %v", err)
			}
			refused(t, m, test.want, test.hint)
		})
	}
}
