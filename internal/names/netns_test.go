package names

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// The sockets are in another network namespace, as a container's are. The server is
// here, at the very address that the container asks, and is somebody else.
func TestFromAnotherNetns(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.11:53")
	var udp, tcp *os.File
	var clients []net.Conn
	inNetns(t, func() error {
		var err error
		if udp, tcp, _, err = socketsAt(at); err != nil {
			return err
		}
		for _, network := range []string{"udp", "tcp"} {
			conn, err := net.Dial(network, at.String())
			if err != nil {
				return err
			}
			clients = append(clients, conn)
		}
		return nil
	})
	server := newServersAt(t, []netip.Addr{at.Addr()}, agreeable)[0]
	limits := testLimits
	limits.port = server.addr.Port()
	s, err := serve(udp, tcp, testDirectory(), Upstream{Servers: []netip.Addr{at.Addr()}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.self.IsValid() {
		t.Errorf("not to be asked: got %v, want none", s.self)
	}
	for _, conn := range clients {
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(testPatience)); err != nil {
			t.Fatal(err)
		}
		send(t, conn, ours)
		if m := unpack(next(t, conn)); m.RCode != dnsmessage.RCodeSuccess || len(m.Answers) != 1 {
			t.Errorf("ours: got %v, want one answer", m.GoString())
		}
		send(t, conn, theirs)
		if got, want := next(t, conn), agreeable(theirs, false)[0]; !bytes.Equal(got, want) {
			t.Errorf("theirs: got %x, want %x", got, want)
		}
	}
}

// inNetns calls do in a network namespace of its own, the loopback of which is up.
// What do opens stays in there.
func inNetns(t *testing.T, do func() error) {
	t.Helper()
	var refused error
	done := make(chan error)
	go func() {
		// Not unlocked: the thread ends with the goroutine, and nobody else gets into
		// that namespace by accident.
		runtime.LockOSThread()
		if refused = unix.Unshare(unix.CLONE_NEWNET); refused != nil {
			done <- nil
			return
		}
		if err := loopbackUp(); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if refused != nil {
		const why = "a test that makes a network namespace takes root: %v"
		if os.Getuid() == 0 {
			tier.Skip(t, why, refused)
		}
		t.Skipf(why, refused)
	}
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
