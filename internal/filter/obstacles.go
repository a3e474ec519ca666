package filter

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
	"unc/internal/policy"
)

// An accept in one table does not override a drop in another (nft(8), "CHAINS"), so
// a firewall of the host's can keep from containers what unc lets pass.

// hookChain is somebody's chain that packets meet on their way through the host.
type hookChain struct {
	family      nftables.TableFamily
	table, name string
}

// usual are the chains by which the common firewalls drop what they don't know:
// iptables' own, which Docker and ufw use too, firewalld's, and that of the nftables
// service.
var usual = []hookChain{
	{nftables.TableFamilyIPv4, "filter", "FORWARD"},
	{nftables.TableFamilyIPv6, "filter", "FORWARD"},
	{nftables.TableFamilyINet, "filter", "forward"},
	{nftables.TableFamilyINet, "firewalld", "filter_FORWARD"},
}

// Obstacle is a firewall of the host that drops what containers send or get, in a
// sentence, and the command that makes it let that pass.
type Obstacle struct{ Text, Command string }

// String is both, for where there is room for one line.
func (o Obstacle) String() string { return o.Text + "; to let it pass: " + o.Command }

// Obstacles says which firewalls there are of that kind. It looks at the usual chains,
// one look-up each. It needs CAP_NET_ADMIN.
func Obstacles(p *policy.Policy) ([]Obstacle, error) {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	reqs := make([]*nl.NetlinkRequest, len(usual))
	for i, u := range usual {
		reqs[i] = u.request(unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME)
	}
	var dropping []hookChain
	_, err = c.Ask(reqs, func(n int, payload []byte) {
		// firewalld's drops at its end, whatever its policy says.
		if usual[n].table == "firewalld" || drops(payload) {
			dropping = append(dropping, usual[n])
		}
	})
	if err != nil {
		return nil, fmt.Errorf("looking for other firewalls: %w", err)
	}
	var list []Obstacle
	for _, d := range dropping {
		if d.family == nftables.TableFamilyIPv6 && !p.Subnet6.IsValid() {
			continue
		}
		admitted, lodger, err := d.admits(c, p.Bridge)
		if err != nil {
			return nil, err
		}
		if o := d.obstacle(p.Bridge, lodger); !admitted && !slices.Contains(list, o) { // ufw's is for both families
			list = append(list, o)
		}
	}
	return list, nil
}

func (h hookChain) request(kind, table, chain int) *nl.NetlinkRequest {
	return nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|kind, 0, nfgenmsg{byte(h.family)},
		nl.NewRtAttr(table, nl.ZeroTerminated(h.table)), nl.NewRtAttr(chain, nl.ZeroTerminated(h.name)))
}

const nfDrop = 0 // NF_DROP of linux/netfilter.h

// drops reads the policy of a chain.
func drops(payload []byte) bool {
	attrs, err := nl.ParseRouteAttr(payload[min(nfgenmsgSize, len(payload)):])
	if err != nil {
		return false
	}
	for _, a := range attrs {
		if a.Attr.Type == unix.NFTA_CHAIN_POLICY && len(a.Value) == 4 {
			return binaryutil.BigEndian.Uint32(a.Value) == nfDrop
		}
	}
	return false
}

// own are the chains that firewalls keep for what an administrator adds. The one in
// which firewalld names interfaces has had another name in each generation of it.
var own = map[string][]string{
	"FORWARD":        {"DOCKER-USER", "ufw-user-forward", "ufw6-user-forward", "ufw-before-forward", "ufw6-before-forward"},
	"filter_FORWARD": {"filter_FORWARD_IN_ZONES", "filter_FORWARD_ZONES", "filter_FORWARD_POLICIES", "filter_FORWARD_dispatch"},
}

// lodgers are firewalls in a chain of another's, each known by one that it goes to
// from there. Docker's comes first, where both are.
var lodgers = []struct{ name, chain string }{
	{"Docker", "DOCKER-USER"},
	{"ufw", "ufw-before-forward"},
	{"ufw", "ufw6-before-forward"},
}

// admits tells whether a rule of the chain, or of those that are meant for it,
// names the bridge; what the rule says is its author's business. And whose chain
// it is, where that is one of the lodgers.
func (h hookChain) admits(c *nlconn.Conn, bridge string) (admitted bool, lodger string, err error) {
	found := make([]bool, len(lodgers))
	for _, chain := range append([]string{h.name}, own[h.name]...) {
		in := h
		in.name = chain
		err := c.Dump(func() *nl.NetlinkRequest {
			return in.request(unix.NFT_MSG_GETRULE, unix.NFTA_RULE_TABLE, unix.NFTA_RULE_CHAIN)
		}, func(payload []byte) {
			admitted = admitted || holds(payload, bridge)
			for i, l := range lodgers {
				found[i] = found[i] || holds(payload, l.chain)
			}
		})
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return false, "", fmt.Errorf("looking at other firewalls: %w", err)
		}
	}
	if i := slices.Index(found, true); i >= 0 {
		lodger = lodgers[i].name
	}
	return admitted, lodger, nil
}

// holds tells whether a name is in a message, and not only as the end of another:
// what goes before it there is a length and a type (struct nlattr), whose last byte
// is no letter.
func holds(payload []byte, name string) bool {
	text := append([]byte(name), 0)
	for rest := payload; ; {
		i := bytes.Index(rest, text)
		switch {
		case i < 0:
			return false
		case i > 0 && rest[i-1] <= ' ':
			return true
		}
		rest = rest[i+1:]
	}
}

// obstacle says what is wrong and what to do. Letting everything pass there opens
// nothing: what may pass to and from the bridge, unc's own rules say.
func (h hookChain) obstacle(bridge, lodger string) Obstacle {
	var who, command string
	iptables := "iptables"
	if h.family == nftables.TableFamilyIPv6 {
		iptables = "ip6tables"
	}
	insert := func(chain string) string {
		return strings.Join([]string{
			fmt.Sprintf("sudo %s -I %s -i %s -j ACCEPT", iptables, chain, bridge),
			fmt.Sprintf("sudo %s -I %s -o %s -j ACCEPT", iptables, chain, bridge),
		}, " && ")
	}
	switch {
	case h.table == "firewalld":
		who = "firewalld"
		command = fmt.Sprintf("sudo firewall-cmd --permanent --zone=trusted --add-interface=%s && sudo firewall-cmd --reload", bridge)
	case lodger == "Docker":
		who, command = lodger, insert("DOCKER-USER")
	case lodger == "ufw":
		who = lodger
		command = fmt.Sprintf("sudo ufw route allow in on %[1]s && sudo ufw route allow out on %[1]s", bridge)
	case h.name == "FORWARD":
		who, command = iptables, insert("FORWARD")
	default:
		table := fmt.Sprintf("inet %s %s", h.table, h.name)
		who = "nftables' " + table
		command = fmt.Sprintf("sudo nft insert rule %[1]s iifname %[2]s accept && sudo nft insert rule %[1]s oifname %[2]s accept", table, bridge)
	}
	return Obstacle{fmt.Sprintf("this host's firewall (%s) drops what is forwarded, and so most of what containers send", who), command}
}
