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

// Each handle is what its name says, and those of the network are there for a
// network that somebody wires up.
func TestHandles(t *testing.T) {
	kinds := func(h *Handles) map[string]string {
		list := map[string]string{}
		for name, f := range map[string]*os.File{
			"Route": h.Route, "DNSPacket": h.DNSPacket, "DNSStream": h.DNSStream,
			"OrphanRetries": h.OrphanRetries,
			"Hosts":         h.Hosts, "Resolv": h.Resolv, "Hostname": h.Hostname, "Terminal": h.Terminal,
		} {
			if f != nil {
				list[name] = kind(t, f)
			}
		}
		return list
	}
	files := map[string]string{"Hosts": "/hosts", "Resolv": "/resolv.conf", "Hostname": "/hostname"}
	sockets := map[string]string{"Route": "netlink", "DNSPacket": "udp 127.0.0.11:53", "DNSStream": "tcp 127.0.0.11:53 listening", "OrphanRetries": "/tcp_orphan_retries"}
	terminal := map[string]string{"Terminal": "terminal 0"}
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   []map[string]string
	}{
		{"own", func(*Spec) {}, []map[string]string{files, sockets}},
		{"own, terminal", func(s *Spec) { s.Terminal[1] = true }, []map[string]string{files, sockets, terminal}},
		{"none", func(s *Spec) { s.Network = NoNetwork }, []map[string]string{files}},
		{"none, terminal", func(s *Spec) { s.Network, s.Terminal[1] = NoNetwork, true }, []map[string]string{files, terminal}},
		{"host", func(s *Spec) { s.Network = HostNetwork }, []map[string]string{files}},
		{"host, terminal", func(s *Spec) { s.Network, s.Terminal[1] = HostNetwork, true }, []map[string]string{files, terminal}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := map[string]string{}
			for _, part := range test.want {
				for name, kind := range part {
					want[name] = kind
				}
			}
			b := newBox(t, "look", test.change)
			if diff := cmp.Diff(want, kinds(b.Handles)); diff != "" {
				t.Errorf("handles (-want +got):\n%s", diff)
			}
		})
	}
}

// kind describes what a descriptor leads to, whatever it is called.
func kind(t *testing.T, f *os.File) (what string) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) { what = kindOf(int(fd)) })
	if err != nil {
		t.Fatal(err)
	}
	return what
}

func kindOf(fd int) string {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		return fmt.Sprintf("left open by execve, %v", err)
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	switch {
	case errors.Is(err, unix.ENOTSOCK):
		if number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err == nil {
			return fmt.Sprintf("terminal %d", number)
		}
		path, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		return path[strings.LastIndexByte(path, '/'):]
	case domain == unix.AF_NETLINK:
		return "netlink"
	}
	what := "tcp"
	if kind, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); kind == unix.SOCK_DGRAM {
		what = "udp"
	}
	if at, _ := unix.Getsockname(fd); at != nil {
		if at, ok := at.(*unix.SockaddrInet4); ok {
			what += fmt.Sprintf(" %s:%d", net.IP(at.Addr[:]), at.Port)
		}
	}
	if listening, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); listening == 1 {
		what += " listening"
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		what += " blocking"
	}
	return what
}

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
