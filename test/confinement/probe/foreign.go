//go:build !amd64

package main

// foreignTries has none: what they try are x86's older ways into the kernel.
func foreignTries() []try { return nil }
