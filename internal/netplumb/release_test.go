package netplumb

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/policy"
)

// released does as net-setup does when this process' user lets go of a name.
func released(t *testing.T, c *conn, p *policy.Policy, called string) error {
	t.Helper()
	return raised(t, host(t), func() error {
		_, err := letGo(c, p, Request{Name: called})
		return err
	})
}

func TestRelease(t *testing.T) {
	c, w := bridged(t, nil)
	theirs := w
	w.owner, theirs.owner = uint32(os.Getuid()), uint32(os.Getuid())+1
	for _, lease := range []struct {
		of   wiring
		name string
	}{{w, "web"}, {w, "web-2"}, {w, ""}, {theirs, "web"}} {
		if _, err := requested(t, c, lease.of, asks(lease.name, 1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, called := range []string{"web", "web", "nobody"} { // the second time it is gone already
		if err := released(t, c, w.policy, called); err != nil {
			t.Errorf("%q: %v", called, err)
		}
		if own, others := hostEnds(t, c, w), hostEnds(t, c, theirs); own != 2 || others != 1 {
			t.Errorf("after %q: got %d links of one's own and %d of another's, want 2 and 1", called, own, others)
		}
	}
	for owner, called := range map[uint32]string{w.owner: "web-2", theirs.owner: "web"} {
		if _, err := c.byOtherName(nameOf(owner, called)); err != nil {
			t.Errorf("the container %q of %d: %v", called, owner, err)
		}
	}
	if _, err := requested(t, c, w, asks("web", 1)); err != nil {
		t.Errorf("the name again: %v", err)
	}
}

// TestReleaseOfOthers: the name alone does not make a link one's own. Nobody but root
// can give it to these.
func TestReleaseOfOthers(t *testing.T) {
	uid := uint32(os.Getuid())
	called := nameOf(uid, "web")
	made := func(t *testing.T, link netlink.Link) {
		t.Helper()
		if err := netlink.LinkAdd(link); err != nil {
			t.Fatal(err)
		}
	}
	pair := func(group uint32, name string, master int) *netlink.Veth {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.Group, attrs.MasterIndex = name, group, master
		return &netlink.Veth{LinkAttrs: attrs, PeerName: "far"}
	}
	for _, test := range []struct {
		name  string
		plant func(t *testing.T, c *conn, w wiring) (link string)
	}{
		{"another user's container", func(t *testing.T, c *conn, w wiring) string {
			w.owner = uid + 1
			addr, err := requested(t, c, w, asks("web", 0))
			if err != nil {
				t.Fatal(err)
			}
			return lease.Name(addr)
		}},
		{"the bridge", func(*testing.T, *conn, wiring) string { return "unc0" }},
		{"a link that is no pair", func(t *testing.T, _ *conn, _ wiring) string {
			attrs := netlink.NewLinkAttrs()
			attrs.Name, attrs.Group = "uv0a642a07", uid
			made(t, &netlink.Bridge{LinkAttrs: attrs})
			return attrs.Name
		}},
		{"a pair that is called otherwise", func(t *testing.T, _ *conn, w wiring) string {
			made(t, pair(uid, "vm0", w.bridge))
			return "vm0"
		}},
		{"a pair that is no port", func(t *testing.T, _ *conn, _ wiring) string {
			made(t, pair(uid, "uv0a642a07", 0))
			return "uv0a642a07"
		}},
		{"a port of a stranger's bridge", func(t *testing.T, c *conn, _ wiring) string {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = "br0"
			made(t, &netlink.Bridge{LinkAttrs: attrs})
			index, err := c.index("br0")
			if err != nil {
				t.Fatal(err)
			}
			made(t, pair(uid, "uv0a642a07", index))
			return "uv0a642a07"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, w := bridged(t, nil)
			name := test.plant(t, c, w)
			before, err := c.link(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Must(addName(before.index, called)); err != nil {
				t.Fatal(err)
			}
			err = released(t, c, w.policy, "web")
			if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) || len(hint.Of(err)) != 1 {
				t.Errorf("got error %v with hints %q, want one that names %q, with one", err, hint.Of(err), name)
			}
			if now, err := c.linkByIndex(before.index); err != nil || now.name != name || !slices.Contains(now.names, called) {
				t.Errorf("got %+v, %v, want the link as it was", now, err)
			}
		})
	}
}

func TestPrintedError(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		hints            int
	}{
		{"an error", "unc: no bridge\n", "no bridge", 0},
		{"one with hints", "unc: no bridge\nhint: make one\nhint: or two\n", "no bridge", 2},
		{"without a line end", "unc: no bridge", "no bridge", 0},
		{"nothing", "", "", 0},
		{"an empty one", "unc: \n", "", 0},
		{"a hint alone", "hint: make one\n", "", 0},
		{"two", "unc: no bridge\nunc: no filter\n", "", 0},
		{"the runtime's", "fatal error: newosproc\n\nruntime stack:\n", "", 0},
		{"a part of the runtime's", "unc: no bridge\nSIGSEGV\n", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := printedError(test.text)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want || len(hint.Of(err)) != test.hints {
				t.Errorf("got %q with hints %q, want %q with %d", got, hint.Of(err), test.want, test.hints)
			}
		})
	}
}
