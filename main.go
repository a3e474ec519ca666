// The runtime need not read the control group's CPU limit, at the start and ever
// again after: nothing here computes.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command unc runs a command in a container with a real network, for a user
// without root. See README.md, and the documentation of the packages in
// internal for how it works.
package main

import (
	"os"

	"unc/internal/caps"
	"unc/internal/cli"
)

// main does nothing before the capability is where it belongs: with net-setup,
// or gone. The stage is chosen by the first argument alone, never by a name or
// a variable that a caller could set in passing.
func main() {
	args := os.Args[min(1, len(os.Args)):]
	if len(args) > 0 && args[0] == "net-setup" {
		os.Exit(cli.NetSetup(args[1:]))
	}
	if err := caps.GiveUp(); err != nil {
		os.Exit(cli.Fail(err))
	}
	os.Exit(cli.Main(args))
}
