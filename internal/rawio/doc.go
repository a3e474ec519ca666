// Package rawio reads files with plain system calls, those in /proc among them.
//
// An os.File goes by way of the Go runtime's poller, which the first one sets up
// with a handful of system calls, and which every switch of goroutines asks from
// then on. A process that lives for two milliseconds and never waits for two
// things at once is better off without.
package rawio
