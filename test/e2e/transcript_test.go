package e2e

import (
	"regexp"
	"strings"
	"testing"
)

var (
	addressOnSubnet = regexp.MustCompile(`inet (10\.100\.42\.\d+)/24 `)
	defaultRoute    = "default via 10.100.42.1 dev eth0"
)

func TestThrowAwaySystemFromAnyDirectory(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootOnly := newDir(t, user{})
	h.root(`chmod 700 "$1"`, rootOnly)
	for name, dir := range map[string]string{
		"the root directory":      "/",
		"an empty directory":      emptyDir,
		"one's own directory":     newDir(t, h.alice),
		"one that can't be read":  rootOnly,
		"half a root file system": halfRootfs(t, h.alice),
	} {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, "run", "sh", "-c", "ip addr show eth0 && ip route && pwd && id -u && id -g")
			cmd.Dir = dir
			got := h.run(cmd).works(t)
			if !addressOnSubnet.MatchString(got) || !strings.Contains(got, defaultRoute) {
				t.Errorf("got %q, want an address on 10.100.42.0/24 and a default route", got)
			}
			if !strings.HasSuffix(got, "/\n0\n0\n") {
				t.Errorf("got %q, want root in the root directory", got)
			}
		})
	}
}

// halfRootfs has the directories of a root file system, but no command in it.
func halfRootfs(t *testing.T, u user) string {
	t.Helper()
	dir := newDir(t, u)
	for _, name := range []string{"/proc", "/dev"} {
		must(t, mkdir(dir+name))
	}
	return dir
}

func TestSecondContainerPingsTheFirst(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)

	first := h.unc(h.alice, "run", "sh")
	first.Dir = rootfs
	one := h.open(first)
	found := addressOnSubnet.FindStringSubmatch(one.do("ip a"))
	if found == nil {
		t.Fatal("the first container has no address")
	}
	second := h.unc(h.alice, "run", "ping", "-c", "1", found[1])
	second.Dir = rootfs
	if got := h.run(second).works(t); !strings.Contains(got, "1 packets received") {
		t.Errorf("got %q, want 1 packets received", got)
	}
	if code := one.end(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestTheFirstCommandIsOnTheNetworkAtOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	// One packet and no second try: the bridge forwards from the start.
	for range 10 {
		h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "ping", "-c", "1", "-W", "5", "10.100.42.1")).works(t)
	}
}
