// Package confinement finds out what a program in a container can and can't do,
// by trying.
//
// The program in probe tries one thing after the other, each in a process of its own,
// and prints a line for each: what it tried, and what came of it. Everything it tries
// is harmless even where it is allowed, so that it can be run bare, too.
//
// It is run in several confinements, each with the same small root directory
// (NewRootfs), and each leaves a list of results in testdata:
//
//	root.txt    root of the machine, in new namespaces but with nothing taken from it.
//	            It shows that a try can succeed, and what this kernel has at all.
//	unc.txt     unc run
//	bwrap.txt   bwrap --unshare-all
//	docker.txt  docker run
//
// All but Docker's are made again, and compared, by the end-to-end tests
// (test/e2e/confinement_test.go), which also hold docs/confinement.md to be what
// Table makes of them. Docker's is recorded by the program in record, as root, where
// Docker's daemon can be had.
//
// A try that a kernel answers otherwise even to root says nothing about
// confinement, and is left out of a comparison with lists made on another kernel.
package confinement
