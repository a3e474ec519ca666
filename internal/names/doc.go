// Package names is the DNS resolver of one container.
//
// # Who holds what
//
// The container's /etc/resolv.conf names 127.0.0.11, an address of its own
// loopback. The two sockets bound there were opened inside its network namespace
// and passed out; a socket stays in the namespace that it was made in. The
// supervisor reads them: an ordinary process of the user on the host, which looks
// names up in the kernel's records and asks the host's resolvers with sockets of
// its own.
//
//	container's netns          │ supervisor, in the host's netns
//	                           │
//	libc ──▶ 127.0.0.11:53 udp ┼──▶ ours? ── yes ──▶ Directory ──▶ answer
//	     ──▶ 127.0.0.11:53 tcp ┼──▶   │
//	                           │      └─ no ──▶ the host's resolvers, or those of --dns
//
// So the container needs no way to the host's resolvers, which may be on the
// host's loopback or behind a VPN, and follows when they change. Nothing is
// written anywhere: with the supervisor go the sockets.
//
// # Names
//
//	web                        container web of the same user
//	web.alice  web.1000        container web of that user
//	host.containers.internal   the gateway, which is the host
//	host.docker.internal       the same
//	7.42.100.10.in-addr.arpa   the other way round, and in ip6.arpa
//
// Case counts in nothing but the names of users, where the exact name goes before
// the lower-case one: some resolvers send letters in random case. A user whose
// name has a dot can be named by number only. A name of this list that nobody
// bears now is forwarded like every other. So a container goes before a domain of
// the same name: google.dev is a container of that name, if the host has a user dev
// who runs one. Who can't have that leaves dev out of Directory.UserID.
//
// What is ours is answered with authority and with a time to live of 0: the
// address may be another container's the moment this one has ended, and asking
// again costs less than what was saved. A type that a name has no record of is
// answered with no record and no error, so that nobody asks for the AAAA of web on
// the internet.
//
// All else goes on as the bytes that came, whatever EDNS options and types are
// in there, but for the ID.
//
// # The container is hostile
//
// It may send what it likes, as much and as slowly as it likes. What it can make
// the supervisor hold at once (limits in server.go):
//
//	64 queries on their way   each a goroutine, a socket and 8 KiB of buffers.
//	                          Over UDP the 65th is dropped: its sender asks again
//	                          in a few seconds, where a SERVFAIL would be taken for
//	                          the end; and the reader goes on to names of ours,
//	                          which need nobody's answer. Over TCP it waits.
//	16 TCP connections        one goroutine and one query each at a time. More wait
//	                          in the kernel's queue.
//	10 s                      for an answer from upstream, of that 3 s for a server;
//	                          for a TCP client to send a whole query, or to take an
//	                          answer.
//	4096 bytes                for a query, and for an answer over UDP. A larger
//	                          answer is truncated, and the client comes by TCP.
//	65535 bytes               for an answer over TCP, and only while it passes.
//
// Idle it is two goroutines and two buffers. What it can't be kept from is using
// processor time, of the supervisor and of the resolvers of the host, for queries
// that it may ask.
//
// # Forged answers
//
// Each query to a server has a socket of its own, connected, so that the kernel
// takes datagrams from nowhere else and picks a random port, and a random ID, and
// the answer must repeat ID and question. What does not is passed over, and the
// wait goes on.
//
// # What it does not do
//
// It has no cache: the host's resolver has one, shared by all. It does not
// validate DNSSEC; what upstream says of that passes through. It follows no
// CNAME, knows no search list (that is the client's business, see resolv.conf(5):
// with ndots:0 the client asks for web before web.example.com) and no zone
// transfer beyond the first message of the answer. A query is sent to one server
// after the other, never to two at once.
package names
