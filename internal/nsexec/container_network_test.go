package nsexec

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The sockets are in the container's network namespace, and nothing else is.
func TestOwnNetwork(t *testing.T) {
	b := newBox(t, "look")
	want, err := inode(fmt.Sprintf("/proc/%d/ns/net", b.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{b.Route, b.DNSPacket, b.DNSStream} {
		if got := netnsOf(t, f); got != want {
			t.Errorf("%s: got a socket in network namespace %d, want %d", f.Name(), got, want)
		}
	}
	got := b.run(t)
	if host, err := inode("/proc/self/ns/net"); err != nil || got.Netns == host || got.Netns != want {
		t.Errorf("got network namespace %d, want %d, and not the host's %d, %v", got.Netns, want, host, err)
	}
	if diff := cmp.Diff([]string{"lo"}, got.Links); diff != "" {
		t.Errorf("interfaces that are up (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"tcp 0B00007F:0035", "udp 0B00007F:0035"}, got.Bound); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
	checkSys(t, got)
}

// netnsOf is the number of the network namespace that a socket is in.
func netnsOf(t *testing.T, f *os.File) uint64 {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	netns := -1
	ctlErr := raw.Control(func(fd uintptr) { netns, err = unix.IoctlRetInt(int(fd), unix.SIOCGSKNS) })
	if err = errors.Join(err, ctlErr); err != nil {
		t.Fatalf("asking %s for its network namespace: %v", f.Name(), err)
	}
	defer unix.Close(netns)
	var st unix.Stat_t
	if err := unix.Fstat(netns, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// What a command asks in the container reaches whoever holds the sockets.
func TestQuestionsReachTheParent(t *testing.T) {
	b := newBox(t, "ask")
	packets, err := net.FilePacketConn(b.DNSPacket)
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	stream, err := net.FileListener(b.DNSStream)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	answered := make(chan error, 1)
	go func() { answered <- errors.Join(answerPacket(packets), answerStream(stream)) }()
	got := b.run(t)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"re: who by udp", "re: who by tcp"}, got.Answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func answerPacket(packets net.PacketConn) error {
	if err := packets.SetDeadline(soon()); err != nil {
		return err
	}
	buf := make([]byte, 100)
	n, from, err := packets.ReadFrom(buf)
	if err != nil {
		return err
	}
	_, err = packets.WriteTo([]byte("re: "+string(buf[:n])), from)
	return err
}

func answerStream(stream net.Listener) error {
	if err := stream.(*net.TCPListener).SetDeadline(soon()); err != nil {
		return err
	}
	conn, err := stream.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(soon()); err != nil {
		return err
	}
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte("re: " + string(buf[:n])))
	return err
}

func TestNoNetwork(t *testing.T) {
	b := newBox(t, "look", func(s *Spec) { s.Network = NoNetwork })
	got := b.run(t)
	if host, err := inode("/proc/self/ns/net"); err != nil || got.Netns == host {
		t.Errorf("got network namespace %d, want another than the host's %d, %v", got.Netns, host, err)
	}
	if diff := cmp.Diff([]string{"lo"}, got.Links); diff != "" {
		t.Errorf("interfaces that are up (-want +got):\n%s", diff)
	}
	if len(got.Bound) > 0 {
		t.Errorf("got sockets %v, want none", got.Bound)
	}
	checkSys(t, got)
}

func TestHostNetwork(t *testing.T) {
	want, err := inode("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	got := newBox(t, "look", func(s *Spec) { s.Network = HostNetwork }).run(t)
	if got.Netns != want {
		t.Errorf("got network namespace %d, want the host's %d", got.Netns, want)
	}
	checkSys(t, got)
}

// checkSys tells whether /sys is a sysfs through which nothing of the host's can
// be changed, nor seen where it is hidden.
func checkSys(t *testing.T, got seen) {
	t.Helper()
	if len(got.Sys) == 0 || got.Sys[0].At != "/sys" || got.Sys[0].Type != "sysfs" {
		t.Errorf("got %+v, want a sysfs on /sys", got.Sys)
	}
	for _, m := range got.Sys {
		for _, option := range []string{"ro", "nosuid", "nodev", "noexec"} {
			if !slices.Contains(strings.Split(m.Options, ","), option) {
				t.Errorf("got %+v, want it mounted %s", m, option)
			}
		}
	}
	if len(got.Names) > 0 {
		t.Errorf("got %q in what is hidden, want nothing", got.Names)
	}
	if len(got.Loosens) > 0 {
		t.Errorf("got ways to change /sys: %q, want none", got.Loosens)
	}
}
