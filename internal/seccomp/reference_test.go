package seccomp

import (
	"slices"
	"testing"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// reference says what a profile means rule by rule, with no thought of a filter.
// Which rules there are, it asks Docker's code.
type reference struct {
	arch      arch
	otherwise answer
	newest    uint32
	rules     map[uint32][]specs.LinuxSyscall // but for those that say what otherwise says
}

// newReference is for the architecture and kernel of this machine.
func newReference(t testing.TB, text []byte, caps []string) *reference {
	t.Helper()
	resolved, err := moby.LoadProfile(string(text), &specs.Spec{
		Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}},
	})
	if err != nil {
		t.Skip(err) // something that it reads and we don't
	}
	ref := &reference{arch: native, rules: make(map[uint32][]specs.LinuxSyscall)}
	ref.otherwise = ref.number(t, resolved.DefaultAction, resolved.DefaultErrnoRet)
	for _, rule := range resolved.Syscalls {
		for _, name := range rule.Names {
			i := slices.IndexFunc(native.calls, func(c call) bool { return c.name == name })
			if i < 0 {
				continue
			}
			nr := uint32(native.calls[i].nr)
			ref.newest = max(ref.newest, nr)
			if ref.number(t, rule.Action, rule.ErrnoRet) != ref.otherwise {
				ref.rules[nr] = append(ref.rules[nr], rule)
			}
		}
	}
	return ref
}

func (ref *reference) number(t testing.TB, action specs.LinuxSeccompAction, errno *uint) answer {
	t.Helper()
	switch action {
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW
	case specs.ActLog:
		return unix.SECCOMP_RET_LOG
	case specs.ActErrno:
		if errno == nil {
			return unix.SECCOMP_RET_ERRNO | answer(unix.EPERM)
		}
		return unix.SECCOMP_RET_ERRNO | answer(*errno)
	case specs.ActTrap:
		return unix.SECCOMP_RET_TRAP
	case specs.ActKill, specs.ActKillThread:
		return unix.SECCOMP_RET_KILL_THREAD
	case specs.ActKillProcess:
		return unix.SECCOMP_RET_KILL_PROCESS
	}
	t.Fatalf("got action %q", action)
	return 0
}

// answers are those that are right; several where rules contradict each other.
func (ref *reference) answers(t testing.TB, a attempt) []answer {
	t.Helper()
	switch {
	case a.arch != ref.arch.audit:
		return []answer{unix.SECCOMP_RET_KILL_PROCESS}
	case ref.arch.x32 && a.nr >= 0x40000000:
		return []answer{unix.SECCOMP_RET_ERRNO | answer(unix.ENOSYS)}
	case a.nr > ref.newest && ref.newest > 0 && !permits(ref.otherwise):
		return []answer{unix.SECCOMP_RET_ERRNO | answer(unix.ENOSYS)}
	}
	var right []answer
	for _, rule := range ref.rules[a.nr] {
		if unconditional(rule) {
			right = []answer{ref.number(t, rule.Action, rule.ErrnoRet)}
			break
		}
		if matches(rule, a) {
			right = append(right, ref.number(t, rule.Action, rule.ErrnoRet))
		}
	}
	if len(right) == 0 {
		right = []answer{ref.otherwise}
	}
	terminal := uint32(a.args[1]) == unix.TIOCSTI || uint32(a.args[1]) == unix.TIOCLINUX
	for i, r := range right {
		if terminal && a.nr == unix.SYS_IOCTL && permits(r) {
			right[i] = unix.SECCOMP_RET_ERRNO | answer(unix.EPERM)
		}
	}
	return right
}

func permits(a answer) bool { return a == unix.SECCOMP_RET_ALLOW || a == unix.SECCOMP_RET_LOG }

// matches knows that runc makes rules of conditions that are about one argument.
func matches(rule specs.LinuxSyscall, a attempt) bool {
	holding, repeated := 0, false
	for i, c := range rule.Args {
		for _, other := range rule.Args[:i] {
			repeated = repeated || other.Index == c.Index
		}
		if holds(c, a) {
			holding++
		}
	}
	return holding == len(rule.Args) || repeated && holding > 0
}

func holds(c specs.LinuxSeccompArg, a attempt) bool {
	arg := a.args[c.Index]
	switch c.Op {
	case specs.OpEqualTo:
		return arg == c.Value
	case specs.OpNotEqual:
		return arg != c.Value
	case specs.OpLessThan:
		return arg < c.Value
	case specs.OpLessEqual:
		return arg <= c.Value
	case specs.OpGreaterThan:
		return arg > c.Value
	case specs.OpGreaterEqual:
		return arg >= c.Value
	}
	return arg&c.Value == c.ValueTwo&c.Value
}

// unconditional knows that a mask without bits is no condition, and that runc makes
// a rule of it when there are others about its argument.
func unconditional(rule specs.LinuxSyscall) bool {
	var empty, seen [argCount]int
	repeated := false
	for _, c := range rule.Args {
		seen[c.Index]++
		repeated = repeated || seen[c.Index] > 1
		if c.Op == specs.OpMaskedEqual && c.Value == 0 {
			empty[c.Index]++
		}
	}
	if repeated {
		return empty != [argCount]int{}
	}
	return empty == seen
}

// attempts are those that a profile could answer differently: every number, and
// around each value of a rule, the last of them for all rules of its call.
func (ref *reference) attempts() []attempt {
	audit := ref.arch.audit
	var list []attempt
	for nr := range uint32(700) {
		list = append(list, attempt{nr: nr, arch: audit})
	}
	for _, nr := range []uint32{1<<30 - 1, 1 << 30, 1<<30 + 1, 1<<30 + 520, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		list = append(list, attempt{nr: nr, arch: audit})
	}
	for _, other := range []uint32{0, audit - 1, audit + 1, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, 1<<32 - 1} {
		for _, nr := range []uint32{0, 1, 102, 1 << 30} {
			list = append(list, attempt{nr: nr, arch: other})
		}
	}
	rules := map[uint32][]specs.LinuxSyscall{unix.SYS_IOCTL: {{Args: []specs.LinuxSeccompArg{
		{Index: 1, Value: unix.TIOCSTI}, {Index: 1, Value: unix.TIOCLINUX}, {Index: 1, Value: unix.TCGETS},
	}}}}
	for nr, some := range ref.rules {
		rules[nr] = append(rules[nr], some...)
	}
	for nr, some := range rules {
		for _, rule := range some {
			satisfied := attempt{nr: nr, arch: audit}
			for _, c := range rule.Args {
				satisfied.args[c.Index] = c.Value
				if c.Op == specs.OpMaskedEqual {
					satisfied.args[c.Index] = c.ValueTwo
				}
			}
			for _, c := range rule.Args {
				for _, v := range []uint64{c.Value, c.ValueTwo, c.ValueTwo &^ c.Value, ^c.Value} {
					for _, around := range []uint64{
						v, v - 1, v + 1, v ^ 1<<32, v ^ 1<<63, v << 32, v >> 32, v & (1<<32 - 1), v | 0xffffffff<<32,
						v + 1<<32, v - 1<<32, 0, 1<<64 - 1,
					} {
						only, also := attempt{nr: nr, arch: audit}, satisfied
						only.args[c.Index], also.args[c.Index] = around, around
						list = append(list, only, also)
					}
				}
			}
		}
	}
	return list
}

// compareWith tries a filter.
func (ref *reference) compareWith(t testing.TB, filter []unix.SockFilter) {
	t.Helper()
	ref.compareSome(t, filter, 1<<31-1)
}

// compareSome tries it a number of times, but otherwise on any profile.
func (ref *reference) compareSome(t testing.TB, filter []unix.SockFilter, times int) {
	t.Helper()
	m := newMachine(t, filter)
	attempts := ref.attempts()
	for i := 0; i < len(attempts); i += 1 + len(attempts)/times {
		a := attempts[i]
		if got, want := m.answer(t, a), ref.answers(t, a); !slices.Contains(want, got) {
			t.Fatalf("%+x: got answer %#x, want one of %#x", a, got, want)
		}
	}
}
