package nsexec

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestCloneFlags(t *testing.T) {
	const others = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP
	for _, test := range []struct {
		name    string
		network Network
		want    uint64
	}{
		{"own", OwnNetwork, others | unix.CLONE_NEWNET},
		{"none", NoNetwork, others | unix.CLONE_NEWNET},
		{"host", HostNetwork, others},
		{"another's", JoinedNetwork, others &^ unix.CLONE_NEWUSER},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.network.cloneFlags(); got != test.want {
				t.Errorf("got %#x, want %#x", got, test.want)
			}
		})
	}
}

// The message is the first slots as they lie, so those that are handed over must
// be the first, all of them, and none twice.
func TestHanded(t *testing.T) {
	for _, test := range []struct {
		name string
		spec Spec
		want named
	}{
		{"own", Spec{}, named{0, 1, 2, 3, 4, 5, 6, 7, 8, none, none, 9, none, 9}},
		{"own, terminal", Spec{Terminal: [3]bool{true}}, named{0, 1, 2, 3, 4, 5, 6, 7, 8, none, 9, 10, 10, 11}},
		{"none", Spec{Network: NoNetwork}, named{0, 1, 2, 3, 4, none, none, none, none, 5, none, 6, none, 6}},
		{"none, terminal", Spec{Network: NoNetwork, Terminal: [3]bool{true}}, named{0, 1, 2, 3, 4, none, none, none, none, 5, 6, 7, 7, 8}},
		{"host", Spec{Network: HostNetwork}, named{0, 1, 2, 3, 4, none, none, none, none, none, none, 5, none, 5}},
		{"another's", Spec{Network: JoinedNetwork}, named{0, 1, 2, 3, 4, none, none, none, none, none, none, 5, none, 5}},
		{"host, no init", Spec{Network: HostNetwork, NoInit: true}, named{0, 1, 2, 3, 4, none, none, none, none, none, none, 5, none, none}},
		{"host, terminal", Spec{Network: HostNetwork, Terminal: [3]bool{2: true}}, named{0, 1, 2, 3, 4, none, none, none, none, none, 5, 6, 6, 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, newProgram(&test.spec).named, cmp.AllowUnexported(named{})); diff != "" {
				t.Errorf("slots (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMessageCarriesWhatIsHanded(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		msg := kept[unix.Msghdr](t, w.program, w.steps[w.one(t, unix.SYS_SENDMSG)].args[1])
		if got, want := int(w.hand.header.Len), unix.CmsgLen(4*int(w.handed)); got != want {
			t.Errorf("got a control message of %d bytes, want %d for %d descriptors", got, want, w.handed)
		}
		if got, want := int(msg.Controllen), unix.CmsgSpace(4*int(w.handed)); got != want {
			t.Errorf("got %d bytes of control messages, want %d", got, want)
		}
	})
}

// What is opened in the network is opened while nobody else is configuring networks,
// before the child waits for anything, and is all that the kind of network asks for.
func TestNetworkIsOpened(t *testing.T) {
	packet := [2]uintptr{unix.AF_INET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}
	want := map[Network][][2]uintptr{
		OwnNetwork: {
			packet,
			{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK},
			{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC},
		},
		NoNetwork:   {packet},
		HostNetwork: nil, JoinedNetwork: nil,
	}
	eachProgram(t, func(t *testing.T, w written) {
		identified, _ := w.identified(t)
		var got [][2]uintptr
		for _, i := range w.find(unix.SYS_SOCKET) {
			got = append(got, [2]uintptr(w.steps[i].args[:2]))
			if i > identified {
				t.Errorf("got a socket opened in step %d, want it before %d, %q", i, identified, w.steps[identified].doing)
			}
		}
		if diff := cmp.Diff(want[w.spec.Network], got); diff != "" {
			t.Errorf("sockets (-want +got):\n%s", diff)
		}
		var up []int
		for i, s := range w.steps {
			if s.nr == unix.SYS_IOCTL && s.args[1] == unix.SIOCSIFFLAGS {
				up = append(up, i)
			}
		}
		if changed := len(up) == 1; changed != (w.spec.Network != HostNetwork && w.spec.Join == nil) || len(up) > 1 {
			t.Errorf("got interfaces changed in steps %v, want loopback, once, unless it is the host's or another's", up)
		}
		if binds := w.find(unix.SYS_BIND); len(binds) > 0 && binds[0] < up[0] {
			t.Errorf("got bind as step %d before loopback comes up in step %d", binds[0], up[0])
		}
	})
}

func TestOnlyOneAddressListens(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var bound, listening []slot
		for _, i := range w.find(unix.SYS_BIND) {
			s := w.steps[i]
			bound = append(bound, slot(s.args[0]))
			want := sockaddrIn{family: unix.AF_INET, port: [2]byte{0, 53}, address: [4]byte{127, 0, 0, 11}}
			if got := *kept[sockaddrIn](t, w.program, s.args[1]); got != want || s.args[2] != unix.SizeofSockaddrInet4 {
				t.Errorf("got %+v of %d bytes, want %+v of %d", got, s.args[2], want, unix.SizeofSockaddrInet4)
			}
		}
		for _, i := range w.find(unix.SYS_LISTEN) {
			listening = append(listening, slot(w.steps[i].args[0]))
		}
		var wantBound, wantListening []slot
		if w.spec.Network == OwnNetwork {
			wantBound, wantListening = []slot{w.dnsPacket, w.dnsStream}, []slot{w.dnsStream}
		}
		if diff := cmp.Diff(wantBound, bound); diff != "" {
			t.Errorf("slots bound (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantListening, listening); diff != "" {
			t.Errorf("slots listening (-want +got):\n%s", diff)
		}
	})
}

// A sysfs of its own shows a container its own network; where that is the host's,
// the host's /sys comes whole, and read-only before it is attached anywhere.
func TestSysIsTheNetworks(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		fresh, bound := 0, 0
		for i, s := range w.steps {
			switch {
			case s.nr == unix.SYS_FSOPEN && w.text(s.args[0]) == "sysfs":
				fresh++
			case s.nr == unix.SYS_OPEN_TREE && w.text(s.args[1]) == "/sys":
				bound++
				if s.args[2]&unix.AT_RECURSIVE == 0 {
					t.Error("the host's /sys is bound without what is mounted in it")
				}
				next := w.steps[i+1]
				if next.nr != unix.SYS_MOUNT_SETATTR || next.args[2]&unix.AT_RECURSIVE == 0 || next.pardon[0] != 0 {
					t.Fatalf("got step %q after it, want all of it made read-only, or the end", next.doing)
				}
				want := unix.MountAttr{Attr_set: attrReadOnly, Propagation: unix.MS_PRIVATE}
				if got := *kept[unix.MountAttr](t, w.program, next.args[3]); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		}
		wantFresh, wantBound, hidden := 1, 0, sysNoDir
		if w.spec.Network == HostNetwork {
			wantFresh, wantBound, hidden = 0, 1, slices.Concat(sysNoDir, sysMounted)
		}
		if fresh != wantFresh || bound != wantBound {
			t.Errorf("got %d fresh and %d of the host's, want %d and %d", fresh, bound, wantFresh, wantBound)
		}
		for _, name := range hidden {
			covered := func(s step) bool { return s.nr == unix.SYS_MOVE_MOUNT && w.text(s.args[3]) == name }
			if !slices.ContainsFunc(w.steps, covered) {
				t.Errorf("/sys/%s is not covered", name)
			}
		}
	})
}
