// Package seccomp makes seccomp filters out of Docker's profiles: text in, the
// program that seccomp(2) installs out. It installs nothing, and holds no state.
//
//	filter, err := seccomp.Default([]string{"CAP_CHOWN", "CAP_SYS_CHROOT"})
//
// # From a profile to a filter
//
//	text ── parse ──▶ profile ── collect ──▶ policy ── decision ──▶ nodes ── assemble ──▶ filter
//	                  (profile.go)           (collect.go)           (node.go)    (assemble.go)
//
// A profile is a list of rules for names of system calls. collect leaves out the
// rules that are not for this host (its architecture, its kernel, the container's
// capabilities), turns names to numbers, and says what the rules about one call come
// to. It reads them as dockerd, runc and libseccomp do together, so that a profile
// means under unc what it means there:
//
//   - The conditions of a rule must all hold; but if two of them are about one
//     argument, each is a rule of its own.
//   - They compare all 64 bits of an argument, also where the kernel takes 32.
//   - A rule without conditions hides those that have some. Of several the first counts.
//   - A rule that says what the default says is no rule.
//   - Of several rules whose conditions hold, the narrower decides (order.go). This
//     is libseccomp's order in all but contrived cases; a profile should not depend on it.
//   - Names that are not known are skipped.
//   - Calls newer than all that the profile names answer ENOSYS where the default
//     is to refuse: a C library then takes the older call.
//
// A decision is a graph: a node looks at 32 bits of struct seccomp_data, at the
// architecture first, at the number then and at halves of arguments in the end, and
// goes on by which of some adjoining ranges the value is in. All comparisons, those of
// numbers as well as the seven of libseccomp, are such ranges, under a mask or not;
// ranges that lead to the same become one. The filter is a binary search in each node.
// This keeps it short, some 110 instructions for Docker's profile, and it keeps paths short:
// to learn which calls are always allowed, the kernel runs a filter once for every
// number while it is installed (seccomp_cache_prepare in kernel/seccomp.c), and every
// call that it has not learned so runs it again. A comparison for each number
// instead took six times as long to install.
//
// # On top of the profile
//
// These come with every filter, whatever its profile allows:
//
//   - System calls of another architecture end the process. Those of x32 don't exist.
//   - The ioctls TIOCSTI and TIOCLINUX are refused, however the upper half of the
//     command is filled (compile.go).
//
// # What the binary brings along
//
// Docker's default profile as text, a table of the system calls, and the filter for the
// capabilities that a container has by default, are made by go generate and are
// static data, because each start of a container pays for what is made before main:
// default.json, asked.go, native_*.go. A test makes them again and compares.
//
// # Limits
//
// The actions SCMP_ACT_NOTIFY and SCMP_ACT_TRACE want another program and are
// refused, and so is the flag SECCOMP_FILTER_FLAG_LOG. A profile's list of architectures
// is not looked at. Other machines than those that have a native_*.go get an error.
package seccomp

//go:generate go test -count=1 -run ^TestGenerated$ . -update
