package nlconn

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

func dialed(t *testing.T) *Conn {
	t.Helper()
	c, err := Dial(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ownNetns puts the test's thread into a network namespace of its own, which ends
// with it. That takes root.
func ownNetns(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		const why = "a test that changes a network takes root: %v"
		if os.Getuid() == 0 {
			tier.Skip(t, why, err)
		}
		t.Skipf(why, err)
	}
}

// getLink asks for a link; anybody may.
func getLink(index int32) *nl.NetlinkRequest {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = index
	return Request(unix.RTM_GETLINK, 0, info)
}

func setFlags(index int32, flags uint32) *nl.NetlinkRequest {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index, info.Flags, info.Change = index, flags, unix.IFF_UP
	return Request(unix.RTM_SETLINK, 0, info)
}

const loopback, nobodys = 1, 1<<31 - 1

func indexOf(payload []byte) int32 {
	if len(payload) < unix.SizeofIfInfomsg {
		return 0
	}
	return nl.DeserializeIfInfomsg(payload).Index
}

func TestGet(t *testing.T) {
	c := dialed(t)
	payload, err := c.Get(getLink(loopback))
	if got := indexOf(payload); got != loopback || err != nil {
		t.Errorf("got link %d, %v, want %d", got, err, loopback)
	}
	if payload, err := c.Get(getLink(nobodys)); !errors.Is(err, unix.ENODEV) {
		t.Errorf("of nobody: got %d bytes, %v, want %v", len(payload), err, unix.ENODEV)
	}
}

// Many questions in one datagram have an answer each, in whatever order errors come.
func TestAsk(t *testing.T) {
	c := dialed(t)
	reqs := []*nl.NetlinkRequest{getLink(nobodys), getLink(loopback), getLink(nobodys), getLink(loopback)}
	answers := map[int]int32{}
	errs, err := c.Ask(reqs, func(n int, payload []byte) { answers[n] = indexOf(payload) })
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != 2 || answers[1] != loopback || answers[3] != loopback {
		t.Errorf("got answers %v, want one each for the second and the fourth", answers)
	}
	for i, want := range []error{unix.ENODEV, nil, unix.ENODEV, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("question %d: got %v, want %v", i, errs[i], want)
		}
	}
}

// With an acknowledgement for each, what succeeds and what fails is told apart.
func TestDo(t *testing.T) {
	ownNetns(t)
	c := dialed(t)
	errs, err := c.Do(setFlags(nobodys, unix.IFF_UP), setFlags(loopback, unix.IFF_UP), setFlags(loopback, unix.IFF_UP))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{unix.ENODEV, nil, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("answer %d: got %v, want %v", i, errs[i], want)
		}
	}
	if lo, err := net.InterfaceByName("lo"); err != nil || lo.Flags&net.FlagUp == 0 {
		t.Errorf("got %+v, %v, want it up", lo, err)
	}
}

func TestPerform(t *testing.T) {
	ownNetns(t)
	c := dialed(t)
	up := Task{Doing: "bringing up", Req: setFlags(loopback, unix.IFF_UP)}
	missing := Task{Doing: "bringing up", Req: setFlags(nobodys, unix.IFF_UP)}
	pardoned := missing
	pardoned.Req, pardoned.Pardon = setFlags(nobodys, unix.IFF_UP), unix.ENODEV
	for _, test := range []struct {
		name  string
		tasks []Task
		want  string
	}{
		{"all well", []Task{up, {Doing: "bringing up", Req: setFlags(loopback, unix.IFF_UP)}}, ""},
		{"pardoned", []Task{pardoned, up}, ""},
		{"failed", []Task{up, missing}, `bringing up "it": no such device`},
	} {
		err := c.Perform(`"it"`, test.tasks...)
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
		}
	}
}

// A list that is longer than one datagram is read to its end, and what follows it
// on the socket is the next question's.
func TestDump(t *testing.T) {
	c := dialed(t)
	want, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := map[int32]bool{}
		err := c.Dump(func() *nl.NetlinkRequest {
			clear(got)
			return Request(unix.RTM_GETLINK, 0, nl.NewIfInfomsg(unix.AF_UNSPEC))
		}, func(payload []byte) { got[indexOf(payload)] = true })
		if err != nil {
			t.Fatal(err)
		}
		if !got[loopback] || len(got) < len(want) {
			t.Errorf("got links %v, want %d with the loopback one", got, len(want))
		}
		if payload, err := c.Get(getLink(loopback)); indexOf(payload) != loopback || err != nil {
			t.Errorf("asked afterwards: got link %d, %v", indexOf(payload), err)
		}
	}
	err = c.Dump(func() *nl.NetlinkRequest {
		return Request(unix.RTM_GETADDR, 0, nl.NewIfInfomsg(unix.AF_UNSPEC)) // too long for a question about addresses
	}, func([]byte) { t.Error("got a message, want none") })
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("a wrong question: got %v, want %v", err, unix.EINVAL)
	}
}

// Any process may write to our socket, and only the kernel is to be believed.
func TestOnlyTheKernelIsHeard(t *testing.T) {
	ownNetns(t) // where the forger has the capability that this takes
	c := dialed(t)
	req := getLink(loopback)
	// Before it asks, a socket has no number to write to.
	if _, err := c.Get(getLink(loopback)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(c.FD())
	if err != nil {
		t.Fatal(err)
	}
	eperm := unix.EPERM
	forged := datagram(Message{Kind: unix.NLMSG_ERROR, seq: req.Seq, Payload: binary.NativeEndian.AppendUint32(nil, uint32(-int32(eperm)))})
	if err := unix.Sendto(dialed(t).FD(), forged, 0, name); err != nil {
		t.Fatalf("sending the forged answer: %v", err)
	}
	if payload, err := c.Get(req); indexOf(payload) != loopback || err != nil {
		t.Errorf("got link %d, %v, want the kernel's answer, which is %d", indexOf(payload), err, loopback)
	}
}

// A socket that was opened in another namespace stays its owner's.
func TestUse(t *testing.T) {
	c := Use(dialed(t).FD())
	if payload, err := c.Get(getLink(loopback)); indexOf(payload) != loopback || err != nil {
		t.Errorf("got link %d, %v, want %d", indexOf(payload), err, loopback)
	}
}

func TestClosed(t *testing.T) {
	c, err := Dial(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := Use(-1).Get(getLink(loopback)); !errors.Is(err, unix.EBADF) {
		t.Errorf("without a socket: got %v, want %v", err, unix.EBADF)
	}
	if _, err := Dial(1 << 20); err == nil {
		t.Error("a protocol that is none: got no error, want one")
	}
}
