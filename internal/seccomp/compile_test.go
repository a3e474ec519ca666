package seccomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	moby "github.com/moby/profiles/seccomp"
)

// with adds capabilities to those that a container has by default.
func with(caps ...string) []string { return append(slices.Clone(containerCaps), caps...) }

// without takes them away.
func without(caps ...string) []string {
	return slices.DeleteFunc(slices.Clone(containerCaps), func(c string) bool { return slices.Contains(caps, c) })
}

func TestDefault(t *testing.T) {
	everything := []string{}
	for _, a := range askedCaps {
		everything = append(everything, a.name)
	}
	for _, test := range []struct {
		name    string
		caps    []string
		builtin bool
	}{
		{"of a container", containerCaps, true},
		{"with one that no rule asks for", with("CAP_NET_ADMIN"), true},
		{"without one that no rule asks for", without("CAP_NET_RAW"), true},
		{"none", nil, false},
		{"without chroot", without("CAP_SYS_CHROOT"), false},
		{"with CAP_SYS_ADMIN", with("CAP_SYS_ADMIN"), false},
		{"with CAP_SYS_PTRACE and CAP_BPF", with("CAP_SYS_PTRACE", "CAP_BPF"), false},
		{"everything", everything, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := isDefault(test.caps); got != test.builtin {
				t.Errorf("got %v, want %v: whether it is the one in the binary", got, test.builtin)
			}
			filter, err := Default(test.caps)
			if err != nil {
				t.Fatal(err)
			}
			newReference(t, []byte(defaultProfile), test.caps).compareWith(t, filter)
		})
	}
}

// The caller's filter is his own, not the one in the binary.
func TestDefaultIsACopy(t *testing.T) {
	first, err := Default(containerCaps)
	if err != nil {
		t.Fatal(err)
	}
	clear(first)
	second, err := Default(containerCaps)
	if err != nil {
		t.Fatal(err)
	}
	newReference(t, []byte(defaultProfile), containerCaps).compareWith(t, second)
}

// The filters in the binary are made for a kernel that has all versions that the
// profile asks for.
func TestDefaultAsksForOldKernels(t *testing.T) {
	for _, r := range moby.DefaultProfile().Syscalls {
		for _, f := range []*moby.Filter{r.Includes, r.Excludes} {
			if f == nil || f.MinKernel == nil {
				continue
			}
			asked := kernelVersion{uint8(f.MinKernel.Kernel), uint8(f.MinKernel.Major)}
			if !builtinKernel.atLeast(asked) {
				t.Errorf("got %v in the default profile, want no more than %v", asked, builtinKernel)
			}
		}
	}
}

func TestCompile(t *testing.T) {
	for _, test := range []struct{ name, profile string }{
		{"only a default", `{"defaultAction": "SCMP_ACT_ERRNO"}`},
		{"nothing refused", `{"defaultAction": "SCMP_ACT_ALLOW"}`},
		{"log", `{"defaultAction": "SCMP_ACT_LOG", "syscalls": [` + rules("SCMP_ACT_ALLOW", "read", "ioctl") + `]}`},
		{"a default with its errno", `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [` + rules("SCMP_ACT_ALLOW", "read") + `]}`},
		{"a rule with its errno", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4095}]}`},
		{"errno 0", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]}`},
		{"all actions", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [` + strings.Join([]string{
			rules("SCMP_ACT_KILL", "read"), rules("SCMP_ACT_KILL_THREAD", "write"), rules("SCMP_ACT_KILL_PROCESS", "close"),
			rules("SCMP_ACT_TRAP", "dup"), rules("SCMP_ACT_LOG", "getpid"), rules("SCMP_ACT_ERRNO", "getuid"),
			rules("SCMP_ACT_ALLOW", "gettid"),
		}, ",") + `]}`},
		{"the old spelling", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW", "args": []}]}`},
		{"names of other kernels", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "read", "no_such_call") + `]}`},
		{"no name that is known", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "no_such_call") + `]}`},
		{"calls above the ones that are named", `{"defaultAction": "SCMP_ACT_TRAP", "syscalls": [` + rules("SCMP_ACT_ALLOW", "read", "openat2") + `]}`},
		{"the newest says what the default says", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` +
			rules("SCMP_ACT_ALLOW", "read") + `,` + rules("SCMP_ACT_ERRNO", "openat2") + `]}`},
		{"foreign architectures", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"]}`},
		{"equal", conditions("EQ 5")},
		{"equal above 32 bits", conditions("EQ 21474836485")},
		{"equal to the largest", conditions("EQ 18446744073709551615")},
		{"not equal", conditions("NE 5")},
		{"not equal to zero", conditions("NE 0")},
		{"less", conditions("LT 4294967297")},
		{"less than zero", conditions("LT 0")},
		{"less or equal", conditions("LE 4294967296")},
		{"less or equal to the largest", conditions("LE 18446744073709551615")},
		{"greater or equal", conditions("GE 4294967296")},
		{"greater", conditions("GT 4294967295")},
		{"greater than the largest", conditions("GT 18446744073709551615")},
		{"masked", conditions("MASKED_EQ 4294967299 4294967298")},
		{"masked, bits outside", conditions("MASKED_EQ 240 255")},
		{"masked, high bits", conditions("MASKED_EQ 18446744069414584320 4294967296")},
		{"masked by nothing", conditions("MASKED_EQ 0 1")},
		{"many values", conditions("EQ 1", "EQ 2", "EQ 3", "EQ 7", "LT 100", "GT 4294967296", "EQ 9", "NE 12", "LE 50")},
		{"ranges that meet", conditions("LT 4294967296", "GE 4294967296")},
		{"all of ioctl but one", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 1, "value": 21505, "op": "SCMP_CMP_NE"}]}]}`},
		{"ioctl killed where it is not allowed", `{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_LOG",
			"args": [{"index": 0, "value": 2, "op": "SCMP_CMP_LE"}, {"index": 1, "value": 21505, "op": "SCMP_CMP_GT"}]}]}`},
		{"two arguments", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mmap"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 5, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 4294967300, "op": "SCMP_CMP_LT"}]}]}`},
		{"an argument twice", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mmap"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 2, "value": 10, "op": "SCMP_CMP_GE"}, {"index": 2, "value": 20, "op": "SCMP_CMP_LE"}, {"index": 3, "value": 1, "op": "SCMP_CMP_EQ"}]}]}`},
		{"all of a call after some", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` +
			`{"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},` + rules("SCMP_ACT_ALLOW", "read") + `]}`},
		{"some of a call after all", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "read") +
			`,{"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}`},
		{"all of a call twice", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "read") + `,` + rules("SCMP_ACT_KILL", "read") + `]}`},
		{"a rule that the default hides", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ERRNO", "read") + `,` + rules("SCMP_ACT_ALLOW", "read") + `]}`},
		{"capabilities", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` +
			`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}},` +
			`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_CHOWN", "CAP_BPF"]}},` +
			`{"names": ["dup"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_CHOWN", "CAP_BPF"]}},` +
			`{"names": ["close"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_BPF"]}}]}`},
		{"architectures and kernels", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` +
			`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"], "minKernel": "4.8"}},` +
			`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"], "minKernel": "4.8"}},` +
			`{"names": ["dup"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["amd64"]}},` +
			`{"names": ["gettid"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "250.0"}},` +
			`{"names": ["getuid"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}},` +
			`{"names": ["close"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "250.0"}}]}`},
		{"longer than a jump", longProfile(40)},
	} {
		t.Run(test.name, func(t *testing.T) {
			filter, err := compileText([]byte(test.profile), containerCaps)
			if err != nil {
				t.Fatal(err)
			}
			newReference(t, []byte(test.profile), containerCaps).compareWith(t, filter)
		})
	}
}

// A jump leaves out 255 instructions at most. Filters that differ by little in their
// length have some that just reach, and some that just don't.
func TestCompileJumps(t *testing.T) {
	for n := 20; n < 60; n++ {
		filter, err := compileText([]byte(longProfile(n)), nil)
		if err != nil {
			t.Fatal(err)
		}
		newReference(t, []byte(longProfile(n)), nil).compareSome(t, filter, 400)
	}
}

// rules is one without arguments, as it stands in a profile.
func rules(action string, names ...string) string {
	return fmt.Sprintf(`{"names": ["%s"], "action": "%s"}`, strings.Join(names, `", "`), action)
}

// conditions is a profile that allows two calls of adjacent numbers under each of the given conditions.
func conditions(list ...string) string {
	var made []string
	for _, c := range list {
		f := append(strings.Fields(c), "0")
		made = append(made, fmt.Sprintf(`{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": `+
			`[{"index": 3, "op": "SCMP_CMP_%s", "value": %s, "valueTwo": %s}]}`, f[0], f[1], f[2]))
	}
	return `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + strings.Join(made, ",") + `]}`
}

// longProfile takes some three instructions for each of n values.
func longProfile(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("EQ %d", 7*i), fmt.Sprintf("MASKED_EQ %d %d", 1<<40+uint64(i), uint64(1<<40)))
	}
	return conditions(list...)
}
