// Package control is how a user's later commands speak with the supervisor of a
// container that runs: to send it a signal, to wait for its end, to run one more
// command in it.
//
// # Who may
//
// The supervisor listens on a socket in the container's record, a directory that only
// its user can enter. Server checks that again, by what the kernel says of who connects
// (SO_PEERCRED, unix(7)): somebody else is not heard. There is nothing in the container
// that leads to the socket.
//
// # A conversation
//
// A connection is one conversation. The client begins with a Request, which may carry
// descriptors; what follows depends on its verb:
//
//	signal    ──▶ Request                    ◀── Reply{}
//	wait      ──▶ Request                    ◀── Reply{}, at once
//	                                         ◀── Reply{Code}, when the container has ended
//	network   ──▶ Request                    ◀── Reply{Peer} + process 1 and network, of nsexec.Child.Offer
//	follow    ──▶ Request                    ◀── Reply{}, at once
//	                                         ◀── Reply{Code}, when the container has ended
//	          ──▶ Order{Go}, when the rest of its log is open
//	                                         ◀── the end, when its name is free
//	attach    ──▶ Request                    ◀── Reply{Terminal} + standard input, if it has one
//	                                         and as follow from then on
//	exec      ──▶ Request + three streams    ◀── Reply{Terminal} + terminal, if one is asked for
//	          ──▶ Order{Go}, when it is joined
//	                                         ◀── Reply{Started}
//	          ──▶ Order{Signal}, any number
//	                                         ◀── Reply{Code}, when the command has ended
//
// Reply{Failed} in place of any other ends it. So does the end of either side: a command
// whose asker is gone is ended, unless it was asked for with Detach.
//
// A supervisor that ends while somebody connects may never hear of him. So who waits is told at
// once that he will be told more: the end of the conversation means before that only that
// the container has ended, and after that, that the supervisor was killed.
//
// # On the wire
//
// A message is its length, four bytes, and that much JSON. Descriptors travel with the
// first byte. What comes from the other side is bounded and checked before it is used,
// though it is the same user's: a supervisor has to live as long as its container,
// whatever a client of another version sends.
package control
