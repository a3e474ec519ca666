// Package cli is the command line of unc: the grammar, one file for each
// command, and the one place where errors are printed.
//
// It is also where nsexec, which knows nothing of networks, and netplumb, which
// knows nothing of mounts, meet: run.go starts a container with the one and
// gives it a network with the other.
package cli
