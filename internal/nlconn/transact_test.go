package nlconn

import (
	"errors"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The requests of these tests are those of nftables: they make and look up tables
// (NFT_MSG_NEWTABLE and following in linux/netfilter/nf_tables.h).

func nftRequest(kind, flags int, attrs ...nl.NetlinkRequestData) *nl.NetlinkRequest {
	header := rawData{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0} // struct nfgenmsg
	return Request(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags, append([]nl.NetlinkRequestData{header}, attrs...)...)
}

func newTable(name string) *nl.NetlinkRequest {
	return nftRequest(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, nl.NewRtAttr(unix.NFTA_TABLE_NAME, nl.ZeroTerminated(name)))
}

func newChain(table string) *nl.NetlinkRequest {
	return nftRequest(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
		nl.NewRtAttr(unix.NFTA_CHAIN_TABLE, nl.ZeroTerminated(table)), nl.NewRtAttr(unix.NFTA_CHAIN_NAME, nl.ZeroTerminated("chain")))
}

// netfilter is a socket on which nobody waits for ever.
func netfilter(t *testing.T) *Conn {
	t.Helper()
	c, err := Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := unix.SetsockoptTimeval(c.FD(), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantTables(t *testing.T, c *Conn, want map[string]error) {
	t.Helper()
	for name, want := range want {
		_, err := c.Get(nftRequest(unix.NFT_MSG_GETTABLE, 0, nl.NewRtAttr(unix.NFTA_TABLE_NAME, nl.ZeroTerminated(name))))
		if !errors.Is(err, want) {
			t.Errorf("looking for table %q: got %v, want %v", name, err, want)
		}
	}
}

func TestTransact(t *testing.T) {
	ownNetns(t)
	c := netfilter(t)
	const gone = unix.ENOENT
	for _, test := range []struct {
		name   string
		reqs   []*nl.NetlinkRequest
		want   error
		tables map[string]error
	}{
		{"nothing", nil, nil, map[string]error{"a": gone}},
		{"one", []*nl.NetlinkRequest{newTable("a")}, nil, map[string]error{"a": nil}},
		{"what builds on what", []*nl.NetlinkRequest{newTable("b"), newChain("b"), newTable("c")}, nil, map[string]error{"b": nil, "c": nil}},
		{"the first fails", []*nl.NetlinkRequest{newTable("a"), newTable("d")}, unix.EEXIST, map[string]error{"a": nil, "d": gone}},
		{"the last fails", []*nl.NetlinkRequest{newTable("d"), newTable("e"), newChain("nowhere")}, unix.ENOENT, map[string]error{"d": gone, "e": gone}},
		{"two fail, for two reasons", []*nl.NetlinkRequest{newTable("d"), newTable("a"), newChain("nowhere")}, unix.EEXIST, map[string]error{"d": gone}},
		{"and again", []*nl.NetlinkRequest{newTable("d")}, nil, map[string]error{"a": nil, "b": nil, "c": nil, "d": nil, "e": gone}},
	} {
		if err := c.Transact(unix.NFNL_SUBSYS_NFTABLES, test.reqs...); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
		wantTables(t, c, test.tables)
	}
}

// A part of netfilter that there is not, or that has no transactions, refuses the frame.
func TestTransactWithNobody(t *testing.T) {
	ownNetns(t)
	c := netfilter(t)
	const none = 200
	err := c.Transact(none, newTable("a"))
	if err == nil || errors.Is(err, unix.EAGAIN) {
		t.Errorf("got %v, want the kernel's refusal", err)
	}
	wantTables(t, c, map[string]error{"a": unix.ENOENT})
}

// Without the capability the kernel refuses the whole, and says so once.
func TestTransactNeedsTheCapability(t *testing.T) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()              // and never unlocked: the thread ends with the goroutine
		_ = unix.Unshare(unix.CLONE_NEWNET) // where that is possible, so that nothing of the machine's is asked for
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Errorf("dropping all capabilities: %v", err)
			return
		}
		c := netfilter(t)
		for range 2 { // what is left of the first answer is not the second's
			if err := c.Transact(unix.NFNL_SUBSYS_NFTABLES, newTable("a"), newTable("b")); !errors.Is(err, unix.EPERM) {
				t.Errorf("got %v, want %v", err, unix.EPERM)
			}
		}
	}()
	<-done
}
