package nsexec

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

func TestParseCapability(t *testing.T) {
	for _, test := range []struct {
		name string
		want Capabilities
		err  string
	}{
		{"CAP_CHOWN", 1 << unix.CAP_CHOWN, ""},
		{"NET_ADMIN", 1 << unix.CAP_NET_ADMIN, ""},
		{"net_raw", 1 << unix.CAP_NET_RAW, ""},
		{"Cap_Sys_Admin", 1 << unix.CAP_SYS_ADMIN, ""},
		{"CHECKPOINT_RESTORE", 1 << unix.CAP_CHECKPOINT_RESTORE, ""},
		{"", 0, `there is no such capability`},
		{"CAP_", 0, `there is no such capability`},
		{"CAP_CAP_CHOWN", 0, `there is no such capability`},
		{"ALL", 0, `there is no such capability`},
		{"CHOWN ", 0, `there is no such capability`},
		{"0", 0, `there is no such capability`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseCapability(test.name)
			if got != test.want || errText(err) != test.err {
				t.Errorf("got %#x, %v, want %#x, %q", got, err, test.want, test.err)
			}
			if (len(hint.Of(err)) > 0) != (err != nil) {
				t.Errorf("got hints %q for error %v", hint.Of(err), err)
			}
		})
	}
}

func FuzzParseCapability(f *testing.F) {
	for _, seed := range []string{"CAP_CHOWN", "bpf", "CAP_", "", "ALL", "cap_\u0131pc_lock"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := ParseCapability(name)
		if err != nil {
			if got != 0 {
				t.Errorf("%q: got %#x beside error %v, want nothing", name, got, err)
			}
			return
		}
		if bits.OnesCount64(uint64(got)) != 1 || got&AllCapabilities == 0 {
			t.Fatalf("%q: got %#x, want one capability", name, got)
		}
		want := "CAP_" + strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if names := got.Names(); len(names) != 1 || names[0] != want {
			t.Errorf("got %q, want %q", names, want)
		}
	})
}

// The list is by number, so one name too many or too few would shift all that follow.
func TestCapabilityNames(t *testing.T) {
	for _, test := range []struct {
		name string
		set  Capabilities
		want []string
	}{
		{"none", 0, nil},
		{"the first and the last", 1 | 1<<unix.CAP_LAST_CAP, []string{"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"}},
		{"of the second word", 1<<unix.CAP_MAC_OVERRIDE | 1<<unix.CAP_BPF, []string{"CAP_MAC_OVERRIDE", "CAP_BPF"}},
		{"numbers that Linux does not have", 1 << (unix.CAP_LAST_CAP + 1), nil},
		{"by number", 1<<unix.CAP_SETFCAP | 1<<unix.CAP_KILL | 1<<unix.CAP_SYS_CHROOT, []string{"CAP_KILL", "CAP_SYS_CHROOT", "CAP_SETFCAP"}},
		{"the usual ones", DefaultCapabilities, []string{
			"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
			"CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_SETFCAP",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.set.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetsOfCapabilities(t *testing.T) {
	for _, test := range []struct {
		name      string
		got, want Capabilities
	}{
		{"all", AllCapabilities, 1<<(unix.CAP_LAST_CAP+1) - 1},
		{"the usual ones", DefaultCapabilities, defaultMask},
		{"what pid 1 begins with", startCaps, 0xe0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %#x, want %#x", test.got, test.want)
			}
		})
	}
}
