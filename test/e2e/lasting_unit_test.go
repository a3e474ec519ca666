package e2e

import (
	"maps"
	"strings"
	"testing"
)

// The comparison itself: what may stay is passed over, and the like of it is not.
func TestWhatMayStay(t *testing.T) {
	h := &host{bridge: "unc0", gateway: "10.100.42.1/24"}
	fresh := picture{
		"sysctl ipv4/conf/eth0/forwarding": "0", "sysctl ipv4/conf/eth1/forwarding": "0", "sysctl ipv4/ip_forward": "0",
		"link eth0": "veth 1 altnames [] addresses []", "nft inet mine table mine": "{}",
	}
	used := picture{
		"link unc0": "bridge 02:75:0a:64:2a:01 altnames [unc-forward.eth0] addresses []", "sysctl ipv4/conf/unc0/forwarding": "1",
		"route {10.100.42.0 ffffff00} via <nil> dev unc0": "", "sysctl ipv4/conf/eth0/forwarding": "1",
		"nft inet unc table unc": "{}", "nft bridge unc rule guard 0": "{}", "nft inet unc set routed": `{"elem":["eth0"]}`,
	}
	full := maps.Clone(fresh)
	maps.Copy(full, used)
	for _, test := range []struct {
		name          string
		before, after picture // nil: as fresh and full
		key, value    string  // what is different besides
		want          string  // the beginning of the one difference
	}{
		{name: "what is documented"},
		{name: "a setting without a record", key: "sysctl ipv4/conf/eth1/forwarding", value: "1", want: "changed: sysctl ipv4/conf/eth1/forwarding"},
		{name: "the setting for all", key: "sysctl ipv4/ip_forward", value: "1", want: "changed: sysctl ipv4/ip_forward"},
		{name: "a recorded setting with another value", key: "sysctl ipv4/conf/eth0/forwarding", value: "2", want: "changed: sysctl ipv4/conf/eth0/forwarding"},
		{name: "a lease", key: "link uv0a642a07", value: "veth", want: "new: link uv0a642a07"},
		{name: "a listener", key: "socket tcp 00000000:1F90", value: "uid 70001", want: "new: socket tcp 00000000:1F90"},
		{name: "a stranger's name", key: "link eth0", value: "veth 1 altnames [unc-name.1.web] addresses []", want: "changed: link eth0"},
		{name: "a table", key: "nft ip unc table unc", value: "{}", want: "new: nft ip unc"},
		{name: "a changed table of a stranger's", key: "nft inet mine rule forward 0", value: "{}", want: "new: nft inet mine rule"},
		{name: "a route elsewhere", key: "route 192.0.2.0/24 via <nil> dev eth0", value: "", want: "new: route"},

		{name: "nothing since the first", before: full},
		{name: "a changed rule since the first", before: full, key: "nft bridge unc rule guard 0", value: `{"expr":1}`, want: "changed: nft bridge unc rule guard 0"},
		{name: "a setting of the bridge since the first", before: full, key: "sysctl ipv4/conf/unc0/forwarding", value: "0", want: "changed: sysctl ipv4/conf/unc0"},
		{name: "a record that is gone", before: full, key: "link unc0", value: "bridge 02:75:0a:64:2a:01 altnames [] addresses []", want: "changed: link unc0"},
		{name: "a bridge with another address", before: full, key: "link unc0", value: "bridge 02:75:0a:64:2a:02 altnames [unc-forward.eth0] addresses []", want: "changed: link unc0"},
		{name: "the setting of one more record", before: full, key: "sysctl ipv4/conf/eth1/forwarding", value: "1", want: "changed: sysctl ipv4/conf/eth1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := fresh, maps.Clone(full)
			if test.before != nil {
				before = test.before
			}
			if test.key != "" {
				after[test.key] = test.value
			}
			got := differences(h.withoutLasting(before, after))
			if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)) {
				t.Errorf("got %q, want one that begins with %q", got, test.want)
			}
		})
	}
}

func TestOneMoreRecordMayCome(t *testing.T) {
	h := &host{bridge: "unc0", gateway: "10.100.42.1/24"}
	before := picture{
		"link unc0":                        "bridge 02:75:0a:64:2a:01 altnames [unc-forward.eth0] addresses []",
		"sysctl ipv4/conf/eth0/forwarding": "1", "sysctl ipv6/conf/eth1/force_forwarding": "0",
	}
	after := picture{
		"link unc0":                        "bridge 02:75:0a:64:2a:01 altnames [unc-forward.eth0 unc-forward6.eth1] addresses []",
		"sysctl ipv4/conf/eth0/forwarding": "1", "sysctl ipv6/conf/eth1/force_forwarding": "1",
	}
	if got := differences(h.withoutLasting(before, after)); len(got) > 0 {
		t.Errorf("got %q, want nothing", got)
	}
	after["nft inet unc set routed6"] = `{"elem":["eth0"]}`
	if got := h.aboutForwarding(after); !strings.Contains(got, "unc-forward") {
		t.Errorf("got %q, want something about an interface that is not closed", got)
	}
}
