package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/ports"
	"unc/internal/rawio"
)

// answerLine is what a successful net-setup says, without its end.
const answerLine = `interface="eth0" address="10.100.42.7/24" gateway="10.100.42.1" mtu="1500"`

// talk is the two ends of the socket between unc and net-setup.
func talk(t *testing.T) (setup, caller int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(ends[0])
		unix.Close(ends[1])
	})
	return ends[0], ends[1]
}

// openFiles lists what the process has open, to compare it; not what the Go runtime
// opens when it first needs it.
func openFiles(t *testing.T) []int {
	t.Helper()
	fds, err := rawio.Numbers("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(fds)
	return slices.DeleteFunc(fds, func(fd int) bool { return !inherited(fd) })
}

// numbered opens files that can be told apart by their length.
func numbered(t *testing.T, n int) []Socket {
	t.Helper()
	var list []Socket
	for i := range n {
		fd, err := unix.MemfdCreate("numbered", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Ftruncate(fd, int64(i)); err != nil {
			t.Fatal(err)
		}
		list = append(list, Socket{ports.Mapping{Host: netip.IPv4Unspecified(), HostPort: uint16(20000 + i), Port: uint16(1 + i)}, fd})
	}
	return list
}

func TestAnswerCrosses(t *testing.T) {
	least := good()
	least.Address6, least.Gateway6, least.LinkLocal = netip.Prefix{}, netip.Addr{}, netip.Prefix{}
	odd := good()
	odd.Warnings = []string{"a=\"b\"", "\\", "\xff", "two\nlines", ""}
	for _, test := range []struct {
		name    string
		network Network
		sockets int
	}{
		{"no sockets", good(), 0},
		{"no IPv6", least, 0},
		{"what needs quotes", odd, 1},
		{"two sockets", good(), 2},
		{"as many as go at once", good(), 253},
		{"one more", good(), 254},
		{"many", good(), 300},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := openFiles(t)
			setup, caller := talk(t)
			sent := test.network
			sent.Sockets = numbered(t, test.sockets)
			want := test.network
			for _, s := range sent.Sockets {
				want.Sockets = append(want.Sockets, Socket{Mapping: s.Mapping})
			}
			answered := make(chan error, 1)
			go func() { answered <- Answer(setup, &sent, nil) }()
			got, err := receive(caller)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-answered; err != nil {
				t.Errorf("answering: %v", err)
			}
			for i := range got.Sockets {
				s := &got.Sockets[i]
				var stat unix.Stat_t
				if err := unix.Fstat(s.FD, &stat); err != nil || stat.Size != int64(i) {
					t.Fatalf("socket %d: got file number %d, %v, want the one that was sent for it", i, stat.Size, err)
				}
				if flags, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 || err != nil {
					t.Errorf("socket %d: got flags %#x, %v, want it closed on exec", i, flags, err)
				}
				unix.Close(s.FD)
				s.FD = 0
			}
			if diff := cmp.Diff(&want, got, sameAddrs); diff != "" {
				t.Errorf("network (-want +got):\n%s", diff)
			}
			// The sender has closed its own.
			if diff := cmp.Diff(append(before, setup, caller), openFiles(t), sameFiles); diff != "" {
				t.Errorf("open files (-want +got):\n%s", diff)
			}
		})
	}
}

// sameFiles does not look at their order.
var sameFiles = cmp.Transformer("set", func(list []int) map[int]bool {
	set := map[int]bool{}
	for _, n := range list {
		set[n] = true
	}
	return set
})

func TestErrorCrosses(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		hints []string
	}{
		{"without hints", errors.New("the subnet is full"), nil},
		{"with two", hint.With(errors.New("the bridge is another's"), "look at it", "delete it"), []string{"look at it", "delete it"}},
		{"wrapped, in two lines", fmt.Errorf("leasing: %w", hint.With(errors.New("\"full\"\n"), "wait")), []string{"wait"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup, caller := talk(t)
			if err := Answer(setup, nil, test.err); err != nil {
				t.Fatal(err)
			}
			_, err := receive(caller)
			if err == nil || err.Error() != test.err.Error() {
				t.Errorf("got error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.hints, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

// parcel is one message with descriptors.
type parcel struct {
	text string
	fds  int
}

// Whatever the other side says or leaves out, nothing that came with it stays open.
func TestReceiveRefuses(t *testing.T) {
	const (
		reading = "reading net-setup's answer: "
		none    = "net-setup ended without an answer"
		one     = ` socket="tcp 0.0.0.0 8080 80"`
	)
	for _, test := range []struct {
		name    string
		parcels []parcel
		want    string
	}{
		{"nothing", nil, none},
		{"half a line", []parcel{{answerLine, 0}}, none},
		{"half a line, and a socket", []parcel{{answerLine + one, 1}}, none},
		{"a socket that does not come", []parcel{{answerLine + one + "\n", 0}}, none},
		{"one of two sockets", []parcel{{answerLine + one + one + "\n", 1}}, none},
		{"a socket too many", []parcel{{answerLine + "\n", 1}}, "net-setup's answer came with 1 descriptors, want 0"},
		{"a lot too many", []parcel{{answerLine + one, 200}, {"\n", 200}}, "net-setup's answer came with 400 descriptors, want 1"},
		{"an error with sockets", []parcel{{`error="no"` + "\n", 3}}, "no"},
		{"an error after good words", []parcel{{answerLine + one + ` error="no"` + "\n", 1}}, "no"},
		{"a line without end", []parcel{{strings.Repeat("x", 1<<19), 2}}, "net-setup's answer has no end"},
		{"an empty line", []parcel{{"\n", 0}}, reading + `interface "", want "eth0"`},
		{"no pair", []parcel{{"interface\n", 1}}, reading + `"interface" is no pair`},
		{"no quotes", []parcel{{"interface=eth0\n", 1}}, reading + `"interface=eth0" is no pair`},
		{"half a quote", []parcel{{`interface="eth0` + "\n", 0}}, reading + `"interface=\"eth0" is no pair`},
		{"an unknown key", []parcel{{answerLine + ` colour="red"` + "\n", 0}}, reading + `unknown key "colour"`},
		{"no length", []parcel{{`address="10.0.0.2"` + "\n", 0}}, reading + `netip.ParsePrefix("10.0.0.2"): no '/'`},
		{"no number", []parcel{{`mtu="many"` + "\n", 0}}, reading + `strconv.Atoi: parsing "many": invalid syntax`},
		{"no mapping", []parcel{{answerLine + ` socket="tcp"` + "\n", 1}}, reading + `reading the mapping "tcp": it is not a protocol, an address and two ports`},
		{
			"one that is not valid",
			[]parcel{{`interface="eth0" address="10.0.0.2/24" gateway="10.0.1.1" mtu="1500"` + "\n", 0}},
			reading + "gateway 10.0.1.1 is outside 10.0.0.2/24",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := openFiles(t)
			setup, caller := talk(t)
			null, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			sent := make(chan bool)
			go func() {
				defer close(sent)
				for _, p := range test.parcels {
					var with []byte
					if p.fds > 0 {
						with = unix.UnixRights(slices.Repeat([]int{int(null.Fd())}, p.fds)...)
					}
					for text := []byte(p.text); len(text) > 0; with = nil {
						n, err := unix.SendmsgN(setup, text, with, nil, unix.MSG_NOSIGNAL)
						if err != nil {
							return // it is not read to its end
						}
						text = text[n:]
					}
				}
				_ = unix.Shutdown(setup, unix.SHUT_WR)
			}()
			got, err := receive(caller)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %+v, error %v, want %q", got, err, test.want)
			}
			_ = unix.Shutdown(caller, unix.SHUT_RD) // so that nobody waits to send the rest
			<-sent
			if diff := cmp.Diff(append(before, setup, caller, int(null.Fd())), openFiles(t), sameFiles); diff != "" {
				t.Errorf("open files (-want +got):\n%s", diff)
			}
		})
	}
}

// The caller may be gone; net-setup then closes what it has opened all the same.
func TestAnswerToNobody(t *testing.T) {
	setup, caller := talk(t)
	if err := unix.Shutdown(caller, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	n := good()
	n.Sockets = numbered(t, 2)
	if err := Answer(setup, &n, nil); !errors.Is(err, unix.EPIPE) {
		t.Errorf("got error %v, want %v", err, unix.EPIPE)
	}
	if diff := cmp.Diff(before, openFiles(t), sameFiles); diff != "" {
		t.Errorf("open files (-want +got):\n%s", diff)
	}
}

func FuzzParseAnswer(f *testing.F) {
	network := good()
	network.Warnings = []string{"beware"}
	network.Sockets = []Socket{{Mapping: ports.Mapping{Host: netip.IPv6Unspecified(), HostPort: 8080, Port: 80}}}
	f.Add(network.line())
	f.Add(errorLine(hint.With(errors.New("no"), "hint")))
	f.Add([]byte(`interface="eth0" address="10.0.0.2/8" gateway="10.0.0.1" mtu="1280" warning=""` + "\n"))
	f.Add([]byte(answerLine))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, done, err := parseAnswer(text, 0)
		if err != nil || n == nil {
			if err == nil && done {
				t.Errorf("got neither a network nor an error of %q, which is said to be all", text)
			}
			return
		}
		if !n.Address.Addr().Is4() || !n.Gateway.Is4() || n.Interface != "eth0" {
			t.Errorf("got %+v, want IPv4 on eth0", n)
		}
		if done != (len(n.Sockets) == 0) {
			t.Errorf("got done %v with %d sockets to come", done, len(n.Sockets))
		}
		again, done, err := parseAnswer(n.line(), len(n.Sockets))
		if err != nil || !done {
			t.Fatalf("read again: done %v, error %v", done, err)
		}
		if diff := cmp.Diff(n, again, sameAddrs); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
	})
}
