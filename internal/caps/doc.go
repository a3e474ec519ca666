// Package caps keeps hold of the one capability that the unc binary is
// installed with, CAP_NET_ADMIN, and of nothing else.
//
// A binary with a file capability starts with that capability on every thread
// that the Go runtime has made before main runs. Each process of unc does one
// of two things with it, as the first statement of main:
//
//	GiveUp   every process but net-setup: all sets of all threads become empty,
//	         each thread is read back, and only then is the process made
//	         dumpable. In the other order a process of the same user could
//	         write into a thread that still holds the capability.
//	Hold     net-setup: permitted holds CAP_NET_ADMIN and nothing else,
//	         effective is empty, the process is not dumpable. Raise then puts
//	         the capability into effect on one locked thread for the time of
//	         one function.
//
// A process that root started may not give up everything at once: it needs
// CAP_SETUID and CAP_SETGID to become somebody else. GiveUp leaves it those
// two, and Become ends with nothing.
//
// Capabilities belong to threads (capabilities(7)), so "all threads" is the
// whole point here. The Go runtime offers syscall.AllThreadsSyscall, which runs
// one system call on each; it exists only without cgo, and unc is built so.
package caps
