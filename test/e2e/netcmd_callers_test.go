package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// withPolicy has cmd started where /etc/unc/network.conf says this.
func withPolicy(cmd *exec.Cmd, text string) *exec.Cmd {
	return withMounts(cmd, `
		mount -t tmpfs -o mode=755 unc-e2e-etc /media
		cp -a /etc/. /media
		mkdir -p /media/unc
		printf '%s\n' "$1" >/media/unc/network.conf
		mount --bind /media /etc
		umount -l /media`, text)
}

// unc net asks for no lease, so root may call it, and is still nobody else.
func TestNetOfRoot(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.run(h.command(unc, "net"))
	if want := "not there, the first container makes it\nno containers\n"; !strings.HasSuffix(got.works(t), want) || got.stderr != "" {
		t.Errorf("stdout %q, stderr %q; want an end of %q", got.stdout, got.stderr, want)
	}
	if hasBridge(h) {
		t.Error("there is a bridge: looking has made it")
	}
	s := h.shell(h.alice, busyboxRootfs(t, h.alice), "--name", "web")
	h.showsWeb(t, h.command(unc, "net", "--format", "json"))
	h.root("nft flush ruleset")
	got = h.run(h.command(unc, "net", "reload"))
	if got.works(t); got.stdout+got.stderr != "" {
		t.Errorf("reload says %q, %q", got.stdout, got.stderr)
	}
	s.do("ping -c 1 -W 5 10.100.42.1")
	h.showsWeb(t, h.command(unc, "net", "--format", "json"))
	s.end()
}

// showsWeb runs unc net, which must find alice's container called web and the filter.
func (h *host) showsWeb(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var status struct {
		Filter bool
		Leases []struct {
			Owner int
			Name  string
		}
	}
	text := h.run(cmd).works(t)
	must(t, json.Unmarshal([]byte(text), &status))
	if !status.Filter || len(status.Leases) != 1 || status.Leases[0].Owner != h.alice.uid || status.Leases[0].Name != "web" {
		t.Errorf("unc net shows %s", text)
	}
}

// Whom ALLOW leaves out may look, and nothing more.
func TestNetOfAUserWhoIsNotAllowed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	policy := "ALLOW=" + strconv.Itoa(h.alice.uid)
	refused := []string{"user " + strconv.Itoa(h.bob.uid) + " may not use the network: ALLOW"}

	h.run(withPolicy(h.unc(h.bob, "net", "reload"), policy)).fails(t, refused...)
	run := h.run(withPolicy(h.unc(h.bob, "run", "true"), policy))
	run.fails(t, append(refused, "\nhint: go without: unc run --network none ", "unc run --network host ")...)
	if hasBridge(h) {
		t.Error("there is a bridge unc0")
	}
	h.run(withPolicy(h.unc(h.bob, "net"), policy)).works(t)
	if hasBridge(h) {
		t.Error("there is a bridge unc0: looking has made it")
	}

	// The others can, so it is not the file.
	s := h.open(withPolicy(h.unc(h.alice, "run", "--name", "web", "sh"), policy))
	h.showsWeb(t, withPolicy(h.unc(h.bob, "net", "--format", "json"), policy))
	h.run(withPolicy(h.unc(h.alice, "net", "reload"), policy)).works(t)
	h.run(withPolicy(h.command(unc, "net", "reload"), policy)).works(t)
	s.end()
}

// unc net, whose net-setup is killed: which one that is, strace knows, and does it at
// net-setup's first word to the kernel's network.
func TestNetWhoseNetSetupIsHit(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	traced := func(sig string, args ...string) *exec.Cmd {
		return via(h.unc(h.alice, args...), "strace", "-f", "-o", "/dev/null", "-e", "trace=sendto,sendmsg",
			"-e", "inject=sendto,sendmsg:signal="+sig+":when=1")
	}
	for _, args := range [][]string{{"net"}, {"net", "--format", "json"}, {"net", "reload"}} {
		t.Run(strings.Join(args, " ")+" killed", func(t *testing.T) {
			h := h.with(t)
			got := h.run(traced("KILL", args...))
			got.fails(t, "net-setup", "killed")
			if got.stdout != "" {
				t.Errorf("stdout is %q, want nothing", got.stdout)
			}
		})
	}
}

func TestNetWithNowhereToPrint(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, args := range [][]string{{"net"}, {"net", "--format", "json"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		must(t, err)
		defer full.Close()
		cmd := h.unc(h.alice, args...)
		cmd.Stdout = full
		h.run(cmd).fails(t, "no space left on device")
	}
}

// Of a port that was found free nobody could know otherwise.
func TestAPickedPortIsTold(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.run(h.unc(h.alice, "run", "true")).works(t)
	eventually(t, "the first container gone", func() bool { return len(h.leases()) == 0 })
	sub := h.with(t) // the bridge is there; what publishing adds to it is compared, too
	s := sub.shell(h.alice, rootfs, "-p", "80", "-p", "127.0.0.1::53/udp", "-p", "7080:80")
	found, err := sub.listening()
	must(t, err)
	s.end()
	lines := strings.Split(strings.TrimSuffix(s.stderr.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("stderr is %q, want two lines", &s.stderr)
	}
	for i, want := range []string{"80/tcp", "53/udp"} {
		port, ok := strings.CutPrefix(strings.TrimSuffix(lines[i], " of the host leads to port "+want+" of the container"), "unc: port ")
		if _, err := strconv.ParseUint(port, 10, 16); !ok || err != nil {
			t.Errorf("line %q, want a port that leads to %s", lines[i], want)
		}
		if !found[want[len(want)-3:]+" "+port] {
			t.Errorf("%q, but listeners are at %v", lines[i], found)
		}
	}
}

// listening are the ports with listeners, as "tcp 80".
func (h *host) listening() (map[string]bool, error) {
	found := map[string]bool{}
	err := h.in(func() error {
		all, err := listeners()
		for key := range all {
			fields := strings.Fields(key) // socket, protocol, address:port
			_, hex, _ := strings.Cut(fields[2], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				return err
			}
			found[fields[1][:3]+" "+strconv.FormatUint(port, 10)] = true
		}
		return err
	})
	return found, err
}
