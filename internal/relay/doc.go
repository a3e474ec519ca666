// Package relay passes on what arrives at the host's sockets of published ports. It
// is the part of the process that stays with a container, needs no privilege, and
// knows nothing of rules or of how the sockets came to be.
//
// # What comes by here
//
// The kernel rewrites what arrives from outside for a port whose socket is open, and
// the socket never sees it. What this host sends to itself does not pass that rule,
// and arrives at the socket: it is accepted here and sent to the container's address
// by a second connection. Should the rule be missing, so does all the rest, slower
// and otherwise the same. What comes by here reaches the container from an address
// of the host; the client's own is lost.
//
// # TCP
//
//	client ◀────▶ socket of the host │ relay │ socket to the container ◀────▶ container
//
// A pair of connections is to look like one. Data go from socket to socket by
// splice(2) and don't enter this process. The end of one direction (FIN) is passed
// on when its data are, and the other direction goes on, for days if it must, as in
// the kernel. A broken connection (RST, or a peer that keepalive found dead) breaks
// the other, unless that has its data and their end already; then it is closed. One
// thing can't be hidden: the kernel completes the client's connection before the
// container is asked, so that a port nobody listens at is not a refusal but a
// connection that breaks at once. Urgent data lose their mark.
//
// # UDP
//
// There are no connections, so there are sessions: one for each client and each
// address of the host that he sends to. Answers come from that address, as the client
// expects. Each session has a socket to the container, which sees clients apart by
// their ports and can answer but not speak first. What a full queue doesn't take is
// dropped, and ICMP errors end at the relay: no unprivileged process can pass them on.
//
// # Limits
//
// Both the container and a local client may be hostile. Nothing waits for a peer but
// that peer's own connection, and each Relay, that is, each published port, takes at
// most:
//
//	TCP connections at a time         512; more wait in the kernel's queue
//	time for the container to answer  10 s; then the client gets a reset
//	idle TCP connections              kept; a peer that has gone is found by keepalive
//	UDP sessions at a time            512; a new one ends the one idle for longest
//	idle UDP sessions                 60 s, or 30 s when there has been no answer
//	size of a datagram                what IP allows: 65507 bytes, IPv6 65527
//	descriptors                       1 for the port, 2 for a connection, 1 for a session;
//	                                  2 more where data are just passing through a pipe
//	memory                            two goroutines for a connection, one for a session;
//	                                  no buffer where no data are
//
// Without descriptors, connections wait until one ends, and datagrams of new peers
// are dropped.
package relay
