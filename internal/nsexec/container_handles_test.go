package nsexec

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Every file among them is closed with the others, and once is enough.
func TestHandlesClose(t *testing.T) {
	h := new(Handles)
	var all []*os.File
	for _, field := range reflect.ValueOf(h).Elem().Fields() {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		field.Set(reflect.ValueOf(w))
		all = append(all, r)
	}
	if err := errors.Join(h.Close(), h.Close(), new(Handles).Close()); err != nil {
		t.Error(err)
	}
	for i, r := range all {
		if err := r.SetReadDeadline(soon()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); errText(err) != "EOF" {
			t.Errorf("%s is still open: %v", reflect.TypeFor[Handles]().Field(i).Name, err)
		}
	}
}

// Each handle is what its name says, and those of the network are there for a
// network that somebody wires up.
func TestHandles(t *testing.T) {
	kinds := func(h *Handles) map[string]string {
		list := map[string]string{}
		for name, f := range map[string]*os.File{
			"Route": h.Route, "DNSPacket": h.DNSPacket, "DNSStream": h.DNSStream,
			"OrphanRetries": h.OrphanRetries, "Socket": h.Socket, "Pts": h.Pts,
			"Hosts": h.Hosts, "Resolv": h.Resolv, "Hostname": h.Hostname, "Terminal": h.Terminal,
		} {
			if f != nil {
				list[name] = kind(t, f)
			}
		}
		// It has a path of its own only once the container has changed to it.
		if err := h.Root.Sync(); !errors.Is(err, unix.EBADF) { // O_PATH, open(2)
			t.Errorf("got error %v of a file operation on the root, want %v", err, unix.EBADF)
		}
		if err := unix.Faccessat(int(h.Root.Fd()), "dev/pts/ptmx", unix.F_OK, 0); err != nil {
			t.Errorf("in the root is no terminal: %v", err)
		}
		return list
	}
	files := map[string]string{"Pts": "/pts", "Hosts": "/hosts", "Resolv": "/resolv.conf", "Hostname": "/hostname"}
	sockets := map[string]string{"Route": "netlink", "DNSPacket": "udp 127.0.0.11:53", "DNSStream": "tcp 127.0.0.11:53 listening", "OrphanRetries": "/tcp_orphan_retries"}
	inside := map[string]string{"Socket": "udp 0.0.0.0:0"}
	terminal := map[string]string{"Terminal": "terminal 0"}
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   []map[string]string
	}{
		{"own", func(*Spec) {}, []map[string]string{files, sockets}},
		{"own, terminal", func(s *Spec) { s.Terminal[1] = true }, []map[string]string{files, sockets, terminal}},
		{"none", func(s *Spec) { s.Network = NoNetwork }, []map[string]string{files, inside}},
		{"none, terminal", func(s *Spec) { s.Network, s.Terminal[1] = NoNetwork, true }, []map[string]string{files, inside, terminal}},
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
	case errors.Is(err, unix.ENOTSOCK), errors.Is(err, unix.EBADF): // what is open as a path alone
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
