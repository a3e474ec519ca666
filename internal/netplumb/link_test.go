package netplumb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// captured reads a message that a kernel sent once.
func captured(t testing.TB, name string) []byte {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the captured messages are of a little-endian machine, and netlink is in the machine's own order")
	}
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var digits []byte
	for line := range bytes.Lines(text) {
		if line[0] != '#' {
			digits = append(digits, bytes.TrimSpace(line)...)
		}
	}
	payload, err := hex.DecodeString(string(digits))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return payload
}

// linkMessage builds the payload of an RTM_NEWLINK.
func linkMessage(index int32, flags uint32, attrs ...*nl.RtAttr) []byte {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index, info.Flags = index, flags
	return withAttrs(info.Serialize(), attrs)
}

func withAttrs(b []byte, attrs []*nl.RtAttr) []byte {
	for _, attr := range attrs {
		b = append(b, attr.Serialize()...)
	}
	return b
}

func linkinfo(kind string) *nl.RtAttr {
	attr := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	attr.AddRtAttr(unix.IFLA_INFO_KIND, nl.ZeroTerminated(kind))
	return attr
}

func otherNamesAttr(names ...string) *nl.RtAttr {
	attr := nl.NewRtAttr(unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, nil)
	for _, name := range names {
		attr.AddRtAttr(unix.IFLA_ALT_IFNAME, nl.ZeroTerminated(name))
	}
	return attr
}

func TestParseLink(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload []byte
		want    link
	}{
		{
			"a real bridge", captured(t, "link-bridge.hex"),
			link{index: 2, name: "unc0", up: true, kind: "bridge", mac: "\x02\x75\x0a\x64\x2a\x01", mtu: 1500},
		},
		{
			"a real veth", captured(t, "link-veth.hex"),
			link{index: 4, name: "out", up: true, kind: "veth", mac: "\x6a\x79\x23\x76\xc6\xaa", mtu: 1500},
		},
		{"nothing but a number", linkMessage(9, 0), link{index: 9}},
		{"down, of a large number", linkMessage(1<<31-1, unix.IFF_RUNNING), link{index: 1<<31 - 1}},
		{
			"all that counts",
			linkMessage(3, unix.IFF_UP|unix.IFF_BROADCAST,
				nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(9000)),
				nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated("uv0a642a07")),
				nl.NewRtAttr(unix.IFLA_ADDRESS, []byte{6, 0x75, 10, 100, 42, 7}),
				nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(1<<32-2)),
				otherNamesAttr("unc-name.4294967294.web", "unc-port.4294967294.0"),
				linkinfo("veth")),
			link{
				index: 3, name: "uv0a642a07", up: true, kind: "veth", mac: "\x06\x75\x0a\x64\x2a\x07", mtu: 9000,
				group: 1<<32 - 2, names: []string{"unc-name.4294967294.web", "unc-port.4294967294.0"},
			},
		},
		{"no further names", linkMessage(3, 0, otherNamesAttr()), link{index: 3}},
		{"a group that is too short", linkMessage(3, 0, nl.NewRtAttr(unix.IFLA_GROUP, []byte{1, 2})), link{index: 3}},
		{"an MTU that is too short", linkMessage(3, 0, nl.NewRtAttr(unix.IFLA_MTU, []byte{1, 2})), link{index: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseLink(test.payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got, cmp.AllowUnexported(link{})); diff != "" {
				t.Errorf("link (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseLinkRefuses(t *testing.T) {
	short := nl.NewRtAttr(unix.IFLA_LINKINFO, []byte{2, 0, 1, 0}) // an attribute of two bytes, header and all
	for _, test := range []struct {
		name    string
		payload []byte
	}{
		{"nothing", nil},
		{"too short", linkMessage(1, 0)[:unix.SizeofIfInfomsg-1]},
		{"an attribute beyond the end", append(linkMessage(1, 0), 12, 0, unix.IFLA_MTU, 0, 1, 2, 3, 4)},
		{"an attribute shorter than its header", append(linkMessage(1, 0), 3, 0, unix.IFLA_MTU, 0)},
		{"the like inside another", linkMessage(1, 0, short)},
		{"the like among further names", linkMessage(1, 0, nl.NewRtAttr(unix.IFLA_PROP_LIST, []byte{2, 0, 53, 0}))},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseLink(test.payload); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

// routeMessage builds the payload of an RTM_NEWROUTE.
func routeMessage(bits uint8, attrs ...*nl.RtAttr) []byte {
	msg := nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET, Dst_len: bits, Type: unix.RTN_UNICAST}}
	return withAttrs(msg.Serialize(), attrs)
}

func TestParseRoute(t *testing.T) {
	metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
	metrics.AddRtAttr(unix.RTAX_HOPLIMIT, nl.Uint32Attr(64))
	metrics.AddRtAttr(unix.RTAX_MTU, nl.Uint32Attr(1280))
	shortMTU := nl.NewRtAttr(unix.RTA_METRICS, nil)
	shortMTU.AddRtAttr(unix.RTAX_MTU, []byte{1})
	for _, test := range []struct {
		name    string
		payload []byte
		want    route
	}{
		{
			"a real way to somewhere", captured(t, "route-get.hex"),
			route{dst: netip.MustParsePrefix("198.51.100.1/32"), out: 4, mtu: 1400, kind: unix.RTN_UNICAST},
		},
		{
			"a real default route", captured(t, "route-default.hex"),
			route{dst: netip.MustParsePrefix("0.0.0.0/0"), out: 4, mtu: 1400, kind: unix.RTN_UNICAST},
		},
		{
			"a real blackhole", captured(t, "route-blackhole.hex"),
			route{dst: netip.MustParsePrefix("10.9.0.0/16"), kind: unix.RTN_BLACKHOLE},
		},
		{
			"a real subnet", captured(t, "route-subnet.hex"),
			route{dst: netip.MustParsePrefix("10.100.42.0/24"), out: 2, kind: unix.RTN_UNICAST},
		},
		{
			"an MTU among other metrics", routeMessage(8, nl.NewRtAttr(unix.RTA_DST, []byte{10, 0, 0, 0}), metrics),
			route{dst: netip.MustParsePrefix("10.0.0.0/8"), mtu: 1280, kind: unix.RTN_UNICAST},
		},
		{
			"an MTU and an interface that are too short", routeMessage(0, shortMTU, nl.NewRtAttr(unix.RTA_OIF, []byte{1})),
			route{dst: netip.MustParsePrefix("0.0.0.0/0"), kind: unix.RTN_UNICAST},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseRoute(test.payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(route{}), sameAddrs); diff != "" {
				t.Errorf("route (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRouteRefuses(t *testing.T) {
	short := nl.NewRtAttr(unix.RTA_METRICS, []byte{3, 0, unix.RTAX_MTU, 0})
	for _, test := range []struct {
		name    string
		payload []byte
	}{
		{"nothing", nil},
		{"too short", routeMessage(0)[:unix.SizeofRtMsg-1]},
		{"an attribute beyond the end", append(routeMessage(0), 12, 0, unix.RTA_OIF, 0, 1, 2, 3, 4)},
		{"metrics shorter than their header", routeMessage(0, short)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseRoute(test.payload); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}
