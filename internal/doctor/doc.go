// Package doctor looks for all that keeps unc from working on this machine, for this
// user: a finding for each thing that a container takes, with the command that helps
// where it is missing. It changes nothing.
//
// # Findings
//
// A finding has a name that stays, a state, one sentence and the commands to paste.
//
//	ok       all is well; the sentence says what there is
//	problem  something is missing that unc run takes as people type it
//	note     something is missing that only some containers take, or that root has decided
//
// # Where the sentences come from
//
// Most of what can be wrong, unc meets in its own work, and says so there: the sentence
// and the command are taken from where they are said (filecap, userns, nsexec, idmap,
// cgroup, netplumb), so that nobody is told one thing by an error and another one here.
// When two findings come to the same cause, the second only refers to the first.
//
// What the network depends on, net-setup is asked (netplumb.Checkup): it alone may look
// at the packet filter, and reads the administrator's policy. Whether namespaces and
// mounts can be had is tried: the trial is the first half of a container's start
// (trial.go), which ends before there is a command.
//
// # When everything is broken
//
// Each check is a goroutine of its own, and knows nothing of the others. One that fails in
// a way that nobody has thought of, panics or has no answer in time is a problem like
// others. What can't be looked at, because it is hidden, counts as well unless the trial
// fails; what depends on something that is missing is left out.
//
// What a test can't bring about on a real machine, another kernel, its modules and settings,
// AppArmor, it puts in the place of the machine's own (type machine).
package doctor
