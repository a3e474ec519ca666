package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// What the first container makes and what is documented to stay: the bridge with
// its routes and settings, the tables "bridge unc" and "inet unc", and forwarding
// for the interfaces that are recorded on the bridge.

// uncTables are the names of unc's tables in a picture.
var uncTables = []string{"nft bridge unc", "nft inet unc"}

// rules are what nft knows, one entry for each table, chain, set and rule, without
// what packets alone change: counters, and the elements that rules put into sets.
func rules() (map[string]string, error) {
	out, err := exec.Command("nft", "--json", "--stateless", "list", "ruleset").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("nft: %w: %s", err, out)
	}
	var all struct {
		Nftables []map[string]map[string]any
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("nft: %w: %s", err, out)
	}
	found := map[string]string{}
	count := map[string]int{}
	for _, entry := range all.Nftables {
		for kind, o := range entry {
			if kind == "metainfo" {
				continue
			}
			table := o["table"]
			if kind == "table" {
				table = o["name"]
			}
			flags, _ := o["flags"].([]any)
			if slices.Contains(flags, any("dynamic")) || slices.Contains(flags, any("timeout")) {
				delete(o, "elem")
			}
			delete(o, "handle") // which counts up
			if isIdleDoor(o["name"]) || isIdleDoor(o["chain"]) {
				continue
			}
			if elements, ok := o["elem"].([]any); ok && o["name"] == "doors" {
				o["elem"] = slices.DeleteFunc(elements, func(e any) bool {
					pair, _ := e.([]any)
					return len(pair) > 0 && isIdleDoor(fmt.Sprintf("doors-%v", pair[0]))
				})
				if len(o["elem"].([]any)) == 0 {
					delete(o, "elem")
				}
			}
			key := fmt.Sprintf("nft %v %v %s %v", o["family"], table, kind, o["name"])
			if kind == "rule" {
				key = fmt.Sprintf("nft %v %v rule %v", o["family"], table, o["chain"])
				key = fmt.Sprintf("%s %d", key, count[key])
				count[fmt.Sprintf("nft %v %v rule %v", o["family"], table, o["chain"])]++
			}
			text, err := json.Marshal(o)
			if err != nil {
				return nil, err
			}
			found[key] = string(text)
		}
	}
	return found, nil
}

// isIdleDoor tells whether a chain is the doors of a link that is not there any more:
// they are kept for its owner's next one, and act on nothing until then.
func isIdleDoor(name any) bool {
	text, _ := name.(string)
	digits, found := strings.CutPrefix(text, "doors-")
	index, err := strconv.Atoi(digits)
	if !found || err != nil {
		return false
	}
	_, err = net.InterfaceByIndex(index)
	return err != nil
}

// isOfTable tells whether an entry is a table of this name, or in it.
func isOfTable(key, table string) bool { return strings.HasPrefix(key, table+" ") }

func (p picture) hasTable(table string) bool {
	for key := range p {
		if isOfTable(key, table) {
			return true
		}
	}
	return false
}

// bridgeDiffers are the settings in which the bridge differs from a new interface:
// bridgeSysctls and routeBridge in internal/netplumb, and what noLinkLocal there
// shows as. The last is not there before Linux 6.17.
var bridgeDiffers = map[string]string{
	"ipv4/accept_redirects": "0",
	"ipv4/forwarding":       "1",
	"ipv4/route_localnet":   "0",
	"ipv6/accept_ra":        "0",
	"ipv6/accept_redirects": "0",
	"ipv6/addr_gen_mode":    "1",
	"ipv6/force_forwarding": "1",
}

// aboutLasting says what is wrong with what unc has made, if it has.
func (h *host) aboutLasting(p picture) string {
	is, there := p["link "+h.bridge]
	if !there {
		for _, table := range uncTables {
			if p.hasTable(table) && !h.before.hasTable(table) {
				return fmt.Sprintf("there is a table %q, and no bridge", table)
			}
		}
		return ""
	}
	if _, had := h.before["link "+h.bridge]; had {
		return ""
	}
	gateway := netip.MustParsePrefix(h.gateway)
	ip := gateway.Addr().As4()
	for _, want := range []string{
		fmt.Sprintf("bridge 02:75:%02x:%02x:%02x:%02x ", ip[0], ip[1], ip[2], ip[3]),
		" up true ", " addresses [" + h.gateway, " fe80::1/64]",
	} {
		if !strings.Contains(is, want) {
			return fmt.Sprintf("%s is %q, want %q", h.bridge, is, want)
		}
	}
	if addrs := strings.Fields(is[strings.Index(is, "addresses [")+len("addresses ["):]); len(addrs) != 3 || !strings.HasSuffix(addrs[1], "::1/64") {
		return fmt.Sprintf("%s is %q, want three addresses, the second of a /64", h.bridge, is)
	}
	for key, is := range p {
		name, ok := strings.CutPrefix(key, "sysctl ")
		if !ok || !strings.Contains(name, "/conf/"+h.bridge+"/") || strings.HasSuffix(name, "/mtu") {
			continue // the MTU is the bridge's own
		}
		want := p["sysctl "+strings.Replace(name, "/"+h.bridge+"/", "/default/", 1)]
		if documented, ok := bridgeDiffers[strings.Replace(name, "conf/"+h.bridge+"/", "", 1)]; ok {
			want = documented
		}
		if is != want {
			return fmt.Sprintf("%s has %s = %s, want %s", h.bridge, name, is, want)
		}
	}
	for _, table := range uncTables {
		if !p.hasTable(table) {
			return fmt.Sprintf("there is a bridge, and no table %q", table)
		}
	}
	return h.aboutForwarding(p)
}

// aboutForwarding says which interface forwards without being closed by the filter
// to all but containers.
func (h *host) aboutForwarding(p picture) string {
	for prefix, set := range map[string]string{"unc-forward.": "routed", "unc-forward6.": "routed6"} {
		for _, record := range h.records(p) {
			name, ours := strings.CutPrefix(record, prefix)
			if closed := p["nft inet unc set "+set]; ours && !strings.Contains(closed, fmt.Sprintf("%q", name)) {
				return fmt.Sprintf("%s is recorded, and the set %s is %s", record, set, closed)
			}
		}
	}
	return ""
}

// records are the further names of the bridge.
func (h *host) records(p picture) []string {
	_, rest, _ := strings.Cut(p["link "+h.bridge], " altnames [")
	names, _, _ := strings.Cut(rest, "]")
	return strings.Fields(names)
}

// recordedSysctls are the settings that a record of the bridge stands for, each
// with its value before and after.
func recordedSysctls(record string, p picture) map[string][2]string {
	changed := map[string][2]string{}
	if name, ok := strings.CutPrefix(record, "unc-forward."); ok {
		changed["sysctl ipv4/conf/"+name+"/forwarding"] = [2]string{"0", "1"}
	}
	if name, ok := strings.CutPrefix(record, "unc-forward6."); ok {
		changed["sysctl ipv6/conf/"+name+"/force_forwarding"] = [2]string{"0", "1"}
	}
	if name, ok := strings.CutPrefix(record, "unc-accept-ra."); ok {
		changed["sysctl ipv6/conf/"+name+"/accept_ra"] = [2]string{"1", "2"}
	}
	if record == "unc-forward6" {
		// The kernel passes "all" on to each.
		for key := range p {
			if strings.HasPrefix(key, "sysctl ipv6/conf/") && strings.HasSuffix(key, "/forwarding") {
				changed[key] = [2]string{"0", "1"}
			}
		}
	}
	return changed
}

// withoutLasting leaves out of two pictures what may stay of a first container,
// and of the first that publishes a port. What there was before and is not what
// unc changes stays in: it has to be as it was.
func (h *host) withoutLasting(before, after picture) (picture, picture) {
	was, is := maps.Clone(before), maps.Clone(after)
	records := h.records(is)
	for _, record := range records {
		if slices.Contains(h.records(was), record) {
			continue
		}
		for key, values := range recordedSysctls(record, is) {
			if was[key] == values[0] && is[key] == values[1] {
				is[key] = was[key]
			}
		}
	}
	if _, had := was["link "+h.bridge]; !had {
		maps.DeleteFunc(is, func(key, _ string) bool { return h.isOfBridge(key) })
	} else if now, there := is["link "+h.bridge]; there {
		// More may be recorded than was, and not less.
		gone := slices.DeleteFunc(h.records(was), func(r string) bool { return slices.Contains(records, r) })
		if len(gone) == 0 {
			list := " altnames [" + strings.Join(records, " ") + "] "
			is["link "+h.bridge] = strings.Replace(now, list, " altnames ["+strings.Join(h.records(was), " ")+"] ", 1)
		}
	}
	for _, table := range uncTables {
		if !was.hasTable(table) {
			maps.DeleteFunc(is, func(key, _ string) bool { return isOfTable(key, table) })
		}
	}
	// aboutForwarding sees to these.
	for _, set := range []string{"nft inet unc set routed", "nft inet unc set routed6"} {
		delete(was, set)
		delete(is, set)
	}
	return was, is
}

// isOfBridge tells whether an entry is about the bridge, or about a setting that
// each interface has and that comes and goes with it.
func (h *host) isOfBridge(key string) bool {
	kind, rest, _ := strings.Cut(key, " ")
	switch kind {
	case "link":
		return rest == h.bridge
	case "route":
		return strings.HasSuffix(rest, " dev "+h.bridge)
	case "sysctl":
		return slices.Contains(strings.Split(rest, "/"), h.bridge)
	}
	return false
}
