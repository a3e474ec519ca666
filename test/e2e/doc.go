// Package e2e tests unc from the outside: the built binary, with its file
// capability, run by users without any privilege.
//
// A host, as the tests call it, is a network namespace that the test makes. It
// belongs to the initial user namespace, so a file capability works in it as on
// a real machine, and the machine's own network is never touched. What a test
// mounts, it mounts in a mount namespace of its own. Every host is compared with
// what it was before, at the end of its test: links with all their names, addresses
// and routes, nftables rules, all of /proc/sys/net, listening sockets, mounts, and
// processes of its users. What the first container is documented to leave is looked
// at as closely (lasting_test.go).
//
// Nothing is waited for by time: a test reads what a container says, or looks
// until it sees what it waits for, with a deadline.
//
// Some tests read what people read, and hold it to its word: the transcripts and
// scripts of README.md and docs/containers.md (transcript_test.go, tools_test.go), docs/unc-web.service
// (service_test.go), and the list of kernel
// settings of docs/network.md (settings_test.go).
//
// All of it needs root: test/run root, or as root go test ./test/e2e. Where that,
// or a program that the tests use, is missing, each test says so and is skipped;
// with UNC_MUST_WORK=1 it fails. UNC_BIN names a binary to test instead of one
// built from this tree. test/vm runs them on another kernel, in a machine that it
// describes to them: how slow it is (UNC_SLOW), what it is made without (UNC_WITHOUT).
package e2e
