package seccomp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(path, []byte(defaultProfile), 0o600); err != nil {
		t.Fatal(err)
	}
	filter, err := Load(path, containerCaps)
	if err != nil {
		t.Fatal(err)
	}
	newReference(t, []byte(defaultProfile), containerCaps).compareWith(t, filter)
}

func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, large, device := filepath.Join(dir, "fifo"), filepath.Join(dir, "large"), filepath.Join(dir, "device")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, []byte(strings.Repeat(" ", maxProfile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", device); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, want string }{
		{"a FIFO", fifo, "it is not a regular file"},
		{"a device", device, "it is not a regular file"},
		{"a directory", dir, "it is not a regular file"},
		{"a large file", large, "it is larger than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(test.path, nil)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Load(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestRefusedProfiles(t *testing.T) {
	rule := func(text string) string {
		return `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "write") + `, {"names": ["read"], ` + text + `}]}`
	}
	condition := func(text string) string { return rule(`"action": "SCMP_ACT_ALLOW", "args": [{` + text + `}]`) }
	for _, test := range []struct{ name, profile, want string }{
		{"nothing", "", "line 1: unexpected end of JSON input"},
		{"no JSON", "{\n\n\"defaultAction\" SCMP_ACT_ALLOW}", "line 3: invalid character 'S' after object key"},
		{"cut short", "{\"defaultAction\":\n\"SCMP", "line 2: unexpected end of JSON input"},
		{"more after it", `{"defaultAction": "SCMP_ACT_ALLOW"} {}`, "line 1: invalid character '{' after top-level value"},
		{"a list", `["read"]`, "line 1: it is a JSON array, and not an object"},
		{"an action that is a number", "{\n\"defaultAction\": 5}", "line 2: defaultAction is a JSON number, which it can't be"},
		{"a negative argument", condition(`"index": -1`), "line 1: syscalls.args.index is a JSON number -1, which it can't be"},
		{"an empty object", `{}`, "it has no defaultAction and no syscalls, and would refuse nothing"},
		{"null", `null`, "it has no defaultAction and no syscalls, and would refuse nothing"},
		{"no default action", `{"syscalls": [` + rules("SCMP_ACT_ALLOW", "read") + `]}`, "defaultAction: the action is missing"},
		{"an unknown default action", `{"defaultAction": "DENY"}`, `defaultAction: action "DENY" is not known`},
		{"an error beyond all", `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}`, "defaultAction: there is no error with number 4096"},
		{"notify", `{"defaultAction": "SCMP_ACT_NOTIFY"}`, `defaultAction: action "SCMP_ACT_NOTIFY" asks a second program what to do, and unc has none`},
		{"trace", rule(`"action": "SCMP_ACT_TRACE"`), `rule 2 of syscalls: action "SCMP_ACT_TRACE" asks a second program what to do, and unc has none`},
		{"no action", rule(`"args": []`), "rule 2 of syscalls: the action is missing"},
		{"an unknown action", rule(`"action": "allow"`), `rule 2 of syscalls: action "allow" is not known`},
		{"a seventh argument", condition(`"index": 6, "op": "SCMP_CMP_EQ"`), "rule 2 of syscalls: argument 6: they are numbered 0 to 5"},
		{"no operator", condition(`"index": 1`), "rule 2 of syscalls: argument 1: the op is missing"},
		{"an unknown operator", condition(`"index": 1, "op": "=="`), `rule 2 of syscalls: argument 1: op "==" is not known`},
		{"a name twice", rule(`"name": "read", "action": "SCMP_ACT_ALLOW"`), "rule 2 of syscalls: it has both name and names"},
		{"an empty name", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rules("SCMP_ACT_ALLOW", "") + `]}`, "rule 1 of syscalls: a name is empty"},
		{"a rule for others", rule(`"action": "SCMP_ACT_PASS", "includes": {"arches": ["none"]}`), `rule 2 of syscalls: action "SCMP_ACT_PASS" is not known`},
		{"a kernel", rule(`"action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8.1"}`), `minKernel "4.8.1" is no kernel version like "6.1"`},
		{"a kernel that is none", rule(`"action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "0.0"}`), `minKernel "0.0" is no kernel version like "6.1"`},
		{"a kernel too large", rule(`"action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.800"}`), `minKernel "4.800" is no kernel version like "6.1"`},
		{"a flag", `{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"]}`, `flag "SECCOMP_FILTER_FLAG_LOG" is not known`},
		{
			"two answers", rule(`"action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]}, {"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]`),
			`system call "read": two rules have the same arguments and different actions`,
		},
		{"longer than a filter may be", longProfile(400), "it takes 6216 instructions, and the kernel takes 4096 (BPF_MAXINSNS)"},
		{"more conditions than a filter may have instructions", longProfile(1100), "rule 2049 of syscalls: the profile has more than 4096 conditions by now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := compileText([]byte(test.profile), containerCaps)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// On a machine whose system calls are not known, there is no filter rather than
// one that refuses at random.
func TestCompileForUnknownArchitecture(t *testing.T) {
	if filter, err := compile(&profile{DefaultAction: "SCMP_ACT_ALLOW"}, host{arch: new(arch)}); err == nil {
		t.Errorf("got %d instructions, want an error", len(filter))
	}
}
