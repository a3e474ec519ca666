package policy

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	testMachineID = "0123456789abcdef0123456789abcdef"
	testBootID    = "6f5902ac-7a4b-4c5e-9d3f-0123456789ab"
	testFlannel   = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.5.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
)

// machine makes the files of a machine that has all but a network.conf. Where
// root's would be asked for, they are the tester's.
func machine(t *testing.T) files {
	t.Helper()
	// A link on the way is refused, and there may be one to the temporary directory.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := files{
		policy:      filepath.Join(dir, "unc", "network.conf"),
		flannel:     filepath.Join(dir, "flannel", "subnet.env"),
		owner:       uint32(os.Getuid()),
		passwd:      filepath.Join(dir, "passwd"),
		group:       filepath.Join(dir, "group"),
		machineID:   filepath.Join(dir, "machine-id"),
		bootID:      filepath.Join(dir, "boot_id"),
		disableIPv6: filepath.Join(dir, "disable_ipv6"),
	}
	for _, d := range []string{dir, filepath.Dir(m.policy), filepath.Dir(m.flannel)} {
		makeDir(t, d)
	}
	write(t, m.passwd, "root:x:0:0:root:/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\nalicea:x:1002:100:::\n"+
		"nonumber:x::100:::\nshort\nshorter:x\nminus:x:-1:100:::\nbob:x:1003:100:::\nalice:x:1004:100:::\nlast:x:1005")
	write(t, m.group, "root:x:0:\nusers:x:100:alice\nalice:x:2001:\n")
	write(t, m.machineID, testMachineID+"\n")
	write(t, m.bootID, testBootID+"\n")
	write(t, m.disableIPv6, "0\n")
	return m
}

// makeDir and write don't depend on the tester's mode mask.
func makeDir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
	chmod(t, name, 0o755)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	chmod(t, name, 0o644)
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// powerless loads with no capability, as net-setup does: root's tests could read
// whatever there is. Capabilities are a thread's own, and this one ends with it.
func powerless(from files) (p *Policy, err error) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err = unix.Capset(&header, &none[0]); err == nil {
			p, err = load(from)
		}
	}()
	<-done
	return p, err
}
