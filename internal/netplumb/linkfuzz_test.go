package netplumb

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// asKernels tells whether the attributes in b are laid out as a kernel does it:
// what claims to be there is there, padding included, and names end with a zero
// byte. The nl package counts on the padding and on the zero byte, and panics
// without them; only the kernel is ever heard (see conn.receive).
func asKernels(b []byte, nested, names map[uint16]bool) bool {
	for len(b) >= unix.SizeofRtAttr {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])&^unix.NLA_F_NESTED
		if size < unix.SizeofRtAttr || size > len(b) {
			return true // refused, not read
		}
		aligned := (size + unix.RTA_ALIGNTO - 1) &^ (unix.RTA_ALIGNTO - 1)
		value := b[unix.SizeofRtAttr:size]
		switch {
		case aligned > len(b),
			names[kind] && bytes.IndexByte(value, 0) < 0,
			nested[kind] && !asKernels(value, nil, names):
			return false
		}
		b = b[aligned:]
	}
	return true
}

func FuzzParseLink(f *testing.F) {
	f.Add(captured(f, "link-bridge.hex"))
	f.Add(captured(f, "link-veth.hex"))
	f.Add(linkMessage(3, unix.IFF_UP, nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(9000)), linkinfo("veth")))
	f.Add(linkMessage(3, 0, nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(1000)), otherNamesAttr("unc-name.1000.web", "lan")))
	nested := map[uint16]bool{unix.IFLA_LINKINFO: true, unix.IFLA_PROP_LIST: true}
	names := map[uint16]bool{unix.IFLA_IFNAME: true, unix.IFLA_INFO_KIND: true, unix.IFLA_ALT_IFNAME: true}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) >= unix.SizeofIfInfomsg && !asKernels(payload[unix.SizeofIfInfomsg:], nested, names) {
			return
		}
		l, err := parseLink(payload)
		if err != nil {
			return
		}
		if bytes.IndexByte([]byte(l.name+l.kind+strings.Join(l.names, "")), 0) >= 0 {
			t.Errorf("got name %q, kind %q and further names %q, want no zero byte", l.name, l.kind, l.names)
		}
		if got, want := l.index, int(int32(binary.NativeEndian.Uint32(payload[4:]))); got != want {
			t.Errorf("got number %d, want %d", got, want)
		}
	})
}

func FuzzParseRoute(f *testing.F) {
	for _, name := range []string{"route-get.hex", "route-default.hex", "route-blackhole.hex", "route-subnet.hex"} {
		f.Add(captured(f, name))
	}
	f.Add(routeMessage(33, nl.NewRtAttr(unix.RTA_DST, make([]byte, 16))))
	nested := map[uint16]bool{unix.RTA_METRICS: true}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) >= unix.SizeofRtMsg && !asKernels(payload[unix.SizeofRtMsg:], nested, nil) {
			return
		}
		r, err := parseRoute(payload)
		if err != nil {
			return
		}
		// checkSubnetFree takes what has a length for a real destination.
		if r.dst.Bits() > 0 && !r.dst.IsValid() {
			t.Errorf("got destination %v with a length, want it to be valid", r.dst)
		}
		if r.dst.IsValid() && r.dst.Bits() != int(payload[1]) {
			t.Errorf("got %d bits of destination, want %d", r.dst.Bits(), payload[1])
		}
	})
}
