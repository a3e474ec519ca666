package policy

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSubnet6(t *testing.T) {
	off, boot := netip.Prefix{}, subnet6Of(testBootID)
	set := netip.MustParsePrefix("fd00:1::/64")
	for _, test := range []struct {
		name   string
		change func(t *testing.T, m files)
		want   netip.Prefix
	}{
		{"machine id", func(*testing.T, files) {}, derived},
		{"no newline", func(t *testing.T, m files) { write(t, m.machineID, testMachineID) }, derived},
		{"no boot id needed", func(t *testing.T, m files) { remove(t, m.bootID) }, derived},
		{"no machine id", func(t *testing.T, m files) { remove(t, m.machineID) }, boot},
		{"empty machine id", func(t *testing.T, m files) { write(t, m.machineID, "") }, boot},
		{"first boot", func(t *testing.T, m files) { write(t, m.machineID, "uninitialized\n") }, boot},
		{"short machine id", func(t *testing.T, m files) { write(t, m.machineID, testMachineID[1:]) }, boot},
		{"machine id in upper case", func(t *testing.T, m files) { write(t, m.machineID, strings.ToUpper(testMachineID)) }, boot},
		{"a kernel without", func(t *testing.T, m files) { remove(t, m.disableIPv6) }, off},
		{"turned off", func(t *testing.T, m files) { write(t, m.disableIPv6, "1\n") }, off},
		{"turned off, no ids", func(t *testing.T, m files) {
			write(t, m.disableIPv6, "1\n")
			remove(t, m.machineID)
			remove(t, m.bootID)
		}, off},
		{"set", func(t *testing.T, m files) { write(t, m.policy, "SUBNET6=fd00:1::/64"); remove(t, m.machineID) }, set},
		{"set and turned off", func(t *testing.T, m files) {
			write(t, m.policy, "SUBNET6=fd00:1::/64")
			write(t, m.disableIPv6, "1\n")
		}, off},
		{"none", func(t *testing.T, m files) { write(t, m.policy, "SUBNET6=none") }, off},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			test.change(t, m)
			p, err := load(m)
			if err != nil {
				t.Fatal(err)
			}
			if p.Subnet6 != test.want {
				t.Errorf("got %v, want %v", p.Subnet6, test.want)
			}
		})
	}
}

func TestSubnet6Refuses(t *testing.T) {
	const machine6 = "making an IPv6 prefix from the machine id: "
	for _, test := range []struct {
		name       string
		change     func(t *testing.T, m files)
		want, hint string
	}{
		{
			"unreadable machine id", func(t *testing.T, m files) { chmod(t, m.machineID, 0) },
			machine6 + `opening "/machine-id": permission denied`,
			"sudo chmod 444 /machine-id    # or set SUBNET6 in /unc/network.conf",
		},
		{
			"directory for a machine id", func(t *testing.T, m files) { remove(t, m.machineID); makeDir(t, m.machineID) },
			machine6 + `reading "/machine-id": is a directory`, "",
		},
		{
			"no ids", func(t *testing.T, m files) { remove(t, m.machineID); remove(t, m.bootID) },
			`making an IPv6 prefix from the boot id: opening "/boot_id": no such file or directory`, "",
		},
		{
			"unreadable setting", func(t *testing.T, m files) { chmod(t, m.disableIPv6, 0) },
			`finding out whether this host has IPv6: opening "/disable_ipv6": permission denied`, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			test.change(t, m)
			refused(t, m, test.want, test.hint)
		})
	}
}

// Machines have subnets of their own, which conform and don't show the id.
func TestSubnet6Of(t *testing.T) {
	a, b := subnet6Of(testMachineID), subnet6Of(testMachineID[1:]+"0")
	if a == b {
		t.Errorf("got %v for two machines", a)
	}
	for _, p := range []netip.Prefix{a, b} {
		if err := checkSubnet6(p); err != nil || p != p.Masked() || p.Addr().As16()[0] != 0xfd {
			t.Errorf("got %v, %v, want a /64 of fd00::/8", p, err)
		}
	}
}
