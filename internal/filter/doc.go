// Package filter is what packets meet on the bridge and where the host routes for
// it: two nftables tables, written in one transaction (but for masquerading to ports,
// until which leaving drops what it is for), and looked at before every container.
//
// # Why it is static
//
// Nothing in the rules depends on which containers there are. They are written once
// for a policy, and a start that publishes nothing changes nothing; so nothing is left
// when a container is killed, no two starts get in each other's way, and there is no
// list that could disagree with the links. That takes four things:
//
//   - The guard's lists have all leases that there can be, at most 1022: the port's
//     name, the MAC address and the IP addresses follow from one number (package
//     lease).
//   - Who owns a port is the port's group, which the rules read from the packet.
//   - Where a published port leads is in the mark of the socket that holds it.
//   - Whom a count is for is the source address, which the guard has seen to.
//
// What changes are the sets that packets fill, those of interfaces for which
// forwarding was turned on (Close), and the doors of containers with published ports
// (SetDoors). Doors only take away from what a mark lets in: those of a link that is
// gone let in nobody, and its number's next link begins with its own, or with none.
//
// A policy's stamp, an empty chain in both tables, says that all is there. Write leaves
// it out and Finish puts it in, after the doors of running containers: who is killed
// between leaves a filter that the next one takes for incomplete, and writes anew.
//
// # Connections of who had the address before
//
// The host lets the answers to a connection in to whoever has the address that began
// it. IsTracked finds in tracked whether an address has begun one that goes on. Such an
// address is leased when all others are taken, or when it is asked for, and Forget
// deletes its connections from the host's table first. Write empties
// the set: of what was begun before, nothing is known afterwards.
//
// # The tables
//
// Abbreviated, for the default policy; testdata/default.nft is what nft says of it,
// and testdata/policies.txt what other policies change.
//
//	table bridge unc {
//		set leases  { ifname . ether_addr . ipv4_addr }
//		set leases6 { ifname . ether_addr . ipv6_addr }
//		set holders { ifname . ether_addr }
//		set owners  { devgroup . devgroup; filled by passing; timeout 1h }
//		map doors   { ifindex: goto doors-IFINDEX }
//
//		chain guard {                                        prerouting -310
//			iifname != "uv*" accept
//			iifname . ether saddr . ip saddr @leases goto guard4
//			ARP: both MAC addresses and the sender's IP @leases goto guardarp
//			iifname . ether saddr . ip6 saddr @leases6 goto guard6
//			drop
//		}
//		chain guard4    { from a DHCP server drop; accept }
//		chain guardarp  { about the gateway, or oneself: ether daddr set the bridge's; accept }
//		chain guard6    { reports of groups, router solicitation, and who asks for the gateway:
//		                  ether daddr set the bridge's
//		                  router advertisement, redirect, DHCP server drop
//		                  neighbour advertisement of another's address drop; accept }
//		chain passing {                                      forward -310
//			to a group, oifname . ether saddr @holders drop
//			iifname != "uv*" accept
//			oifname != "uv*" accept
//			iifgroup . oifgroup @owners accept
//			marked accept
//			add iifgroup . iifgroup @owners; iifgroup . oifgroup @owners accept
//			drop
//		}
//		chain entering { marked inward, oifname "uv*": oif vmap @doors; drop }   postrouting -310
//		chain doors-IFINDEX { protocol and port of a door, a later fragment, ICMP accept; drop }
//	}
//	table inet unc {
//		set routed, routed6     { ifname }
//		set bridging, bridging6 { ifname . ether_addr }
//		set links               { ifname }
//		set tracked, tracked6   { address; filled by connections }
//
//		chain strays      { iifname "uv*" and @links drop
//		                    from port to port: no tracking }               prerouting -450
//		chain published   { to an address of the host's, socket marked:
//		                    dnat to the mark's address and port }          prerouting -105
//		chain seen        { redirected: goto marks
//		                    new, iifname "unc0": goto connections }        prerouting -95
//		chain connections { begun to IPv4 metadata drop; ct count over 8192 drop }
//		chain marks       { new, iifname "unc0": jump connections
//		                    mark inward, or answers }
//		chain unmarked    { marked: no mark }                              output -310
//		chain masqueraded { from the subnet to elsewhere: masquerade to ports 1024-65535
//		                    redirected, back to the bridge: masquerade }   postrouting 95
//		chain forward     { ... goto outbound, inbound; @routed drop }     forward -5
//		chain leaving     { from the subnet to elsewhere: drop }           postrouting 300
//		chain outbound    { metadata drop; from the subnet accept; drop }
//		chain inbound     { drop }
//		chain host        { HOST_ACCESS=no: answers and ICMP, or drop }    input -5
//	}
//
// # What each promises
//
//	guard        a container sends from the address that it leases, and nothing but IP and
//	             ARP. A list of what may pass, for a list of what may not was got round by a
//	             VLAN tag. It is the first in its hook: what others do there sees only what
//	             has passed, and the bridge learns which address is behind a port from that.
//	guard4, 6    it is no router and no DHCP server. What its kernel tells routers by itself
//	and arp      goes to the host, and so does who asks for the gateway's address: the bridge
//	             would copy each frame to a thousand ports.
//	passing      a container does not hear its own broadcasts. A port takes back what it has
//	             sent (hairpin), because with br_netfilter one that asks for its own
//	             published port is answered that way.
//	             Frames go from port to port of one owner. The pair that enters the set is
//	             always the sending port's group twice, so no pair of two owners ever does.
//	             To a published port everybody may.
//	entering     what has been to a published port gets to a link that has a door for it.
//	             A marked socket or a tracked connection can outlive the link that it was
//	             for; the address may be another user's by then.
//	strays       frames to addresses that a bridge keeps to itself reach the host as the
//	             port's own, past the guard; they end here. links has the names of all
//	             leases: another's link that is called uv-something is none of unc's.
//	             What one container sends another, br_netfilter shows here, and the host
//	             does not track it.
//	published    a connection to a marked socket is the container's that the mark names;
//	             the moment the socket is closed it is nobody's. Only at the host's own
//	             addresses: a socket at the wildcard address would match the whole world's.
//	seen         most packets are of a connection that goes on, and not to a published port,
//	             and are done after two rules.
//	connections  a container has begun at most MAX_CONNECTIONS that the host tracks, and none
//	             to 169.254.0.0/16, whatever somebody's redirection has made of it since.
//	marks        on the bridge, what has been to a published port, and what answers that, can
//	             be told from what one container sends another.
//	unmarked     the marks are not seen by the host's firewall or routing rules.
//	forward      what the host would not route without unc it routes nowhere, and from port
//	             to port nothing goes by way of the gateway.
//	outbound     packets leave with an address of the subnet's, as part of a connection that
//	             is tracked, and not to where clouds keep a machine's secrets.
//	inbound      from outside come answers, and what published has redirected.
//	masqueraded  it comes from the host, and from no port that others trust. So does what
//	             comes back to the bridge for a published port, for the answer to find back.
//	leaving      what escaped that does not leave.
//
// # The mark
//
// A listening socket's SO_MARK, 32 bits, whose bytes lie in memory as those of a
// packet do (Mark):
//
//	byte   0      1        2                              3
//	       port   port     011101 and 2 bits of number    8 bits of number
//
// From it one rule makes the address, with the subnet's own bits put in by a mask,
// and the port. It takes CAP_NET_ADMIN on the host to set, or CAP_NET_RAW (socket(7)), so
// no user can name another's container; and the kernel takes a mark off what leaves a network namespace, so no
// container can send one.
//
// # br_netfilter
//
// Where that module is loaded, for Docker mostly, frames that a bridge passes from
// port to port meet the IP hooks too, with the bridge as both interfaces. So forward
// knows by the MAC address what is on its way between two containers and what was
// sent to the gateway to be routed back; bridging does the same for other bridges of
// the host's; and the mark tells passing what published has redirected,
// which goes on as a frame then. With the module and without it the same packets
// pass.
//
// # Other firewalls
//
// An accept here does not override a drop elsewhere, so a host that forwards nothing
// by its own rules keeps containers from the outside. Obstacles knows the chains of
// iptables, Docker, ufw, firewalld and of the nftables service, and the command that
// lets the bridge through. It knows the tables of nftables alone, not those of
// iptables-legacy; a chain that accepts by policy and drops by a rule only when it
// is firewalld's; and no interface that is named in a set. That a rule names the
// bridge is enough for it: what the rule says is its author's business.
//
// # What root may do
//
// Everything, and Present finds out and Write mends it at the next container or at
// unc net reload: flush the ruleset, delete or empty a chain, add or delete a rule,
// make a table dormant. Present counts rules and does not read them: one replaced by
// another is not seen, nor a door or an element of a set that is deleted. Without the
// guard's elements nothing passes, without its door nothing to a published port; without those of routed the host is the router
// that root has made it.
//
// Rules of one's own belong into tables of one's own, where their hooks see what is
// accepted here. The tables are not for saving: nft can't read back what it lists
// of published and masqueraded, and refuses the whole file.
package filter
