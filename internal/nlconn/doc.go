// Package nlconn speaks netlink (netlink(7)) for the rest of unc.
//
// The messages are built with vishvananda/netlink's nl package. The exchange is
// our own for three reasons: it has to work on a socket that was opened in another
// network namespace; several messages in one datagram are one system call, in the
// middle of which a process can't be stopped, and each has its answer; and it must
// not wake the Go runtime's poller in a process that lives for a millisecond.
package nlconn
