// Package userns reads the kernel settings that keep users from making user
// namespaces, and what is made in them (namespaces(7), user_namespaces(7)): one sentence
// for each, and the command with which root takes it back. Who is refused a namespace
// asks here why, and who wants to know beforehand, too.
//
// A limit on namespaces holds for a user namespace and all below it, so what is read
// here is what the kernel goes by for this process, unless one of the namespaces above
// has a narrower one. AppArmor's restriction (Ubuntu's since 23.10) is another kind: a
// program without a profile of its own makes namespaces, and then may do nothing in them.
//
// It also tells whose user namespace a network belongs to (OwnerOf), which is what both
// net-setup and who joins a container's network go by.
package userns
