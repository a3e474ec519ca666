// Package cli is the command line of unc: the grammar, one file for each
// command, and the one place where errors are printed.
//
// It is also where nsexec, which knows nothing of networks, and netplumb, which
// knows nothing of mounts, meet: run.go starts a container with the one and
// gives it a network with the other, and stays with it. What a container's
// supervisor serves from then on starts here, too, and ends with the process: names,
// its resolver, and relay, for what the host itself sends to published ports
// (network.go). The container's /etc/hosts and resolv.conf are written here.
//
// unc net has no view of its own: net-setup, run once more, reads the kernel, and net.go
// prints what it says.
package cli
