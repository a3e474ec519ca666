// Probe tries what a program can do where it runs, and prints a line for each try,
// as package confinement reads it.
//
//	probe
//
// A try is one act that takes exactly the right that it is about. Each is made by a
// process of its own, the probe executed once more, so that one that is killed
// ends no other, and what one changes about itself ends with it. What one makes, it
// takes away again; its files are in /dev/shm.
//
// Nothing here does any harm, even when root runs it on the bare machine. Where
// success would do some, the call gets arguments with which it can't succeed, but
// whose errno tells whether it was the right that was missing or the arguments that
// were wrong: the kernel asks for the right first. Each such call says so.
//
// The files /other, /setuid and /setcap are what confinement.NewRootfs puts there.
package main
