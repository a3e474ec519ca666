// Package resolvconf reads and writes resolv.conf(5).
//
// There are three readers, and they want different things of the host:
//
//	Host       a process on the host: the file as it is, with a stub on the
//	           loopback (127.0.0.53) and scoped addresses (fe80::1%eth0)
//	Watch      the same for a process that lives long: the file is read again
//	           when it has changed, as it does when a laptop changes networks
//	Reachable  a container that has to ask for itself: never the loopback, which
//	           in there is its own; instead what the stub asks in turn
//
// Config.Text writes what Parse reads.
//
// It knows nameserver, search (or domain) and options, and no default: a file
// without a nameserver has none here, where libc would ask 127.0.0.1. LOCALDOMAIN
// and RES_OPTIONS of the environment have no part in it.
package resolvconf
