// Package lease has the arithmetic between an address, the link that holds it and
// the slot in its owner's quota. It makes no system call.
//
// A lease is a link on the bridge whose name says the address: the kernel keeps
// names unique, so holding the name is holding the address.
package lease
