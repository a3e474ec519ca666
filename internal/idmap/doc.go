// Package idmap decides which user and group ids a container has, and whose they
// are outside (user_namespaces(7)).
//
// There are two kinds of map. Single has one user id and one group id: the caller's,
// under whatever number inside. Nobody's leave is needed for it; the process that
// is mapped writes it itself, and setgroups(2) is denied for good. Subordinate has the
// ids that subuid(5) and subgid(5) give the caller besides, so that there are other
// users inside, and package managers work. Only newuidmap(1) and newgidmap(1) may write
// such a map: they check those files again, and are the authority on them. Here
// the files are read to know what to ask for.
//
// # Where the caller is
//
// Both kinds take the ids that the caller has inside. Subordinate ids fill all other
// numbers from 0 on, in the order of the files:
//
//	inside      0 0             inside 1000 1000, as --userns=keep-id
//	0           the caller      0 to 999       the first 1000 subordinate ids
//	1 to 65536  subordinate     1000           the caller
//	                            1001 to 65536  the other subordinate ids
//
// # Other programs
//
// newuidmap and newgidmap are the only programs of others that unc runs. They are
// looked for in directories that are root's, never in PATH, get an empty environment,
// and are run only if executing them gives them the privilege that they need: without
// it they would fail after the container has begun. Both run at once, while the
// child waits: see Map.Begin.
//
// # What it does not know
//
// Subordinate ids that a directory service gives (subid in nsswitch.conf(5)) are not
// found, nor that GRANT_AUX_GROUP_SUBIDS of login.defs(5) lets newuidmap serve
// somebody who is in another group than his first. Such a user gets a Single map.
package idmap
