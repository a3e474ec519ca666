package userns

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"unc/internal/hint"
)

func settings(pairs ...string) Settings {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestSettings(t *testing.T) {
	const forbidding = "kernel.unprivileged_userns_clone"
	for _, test := range []struct {
		name       string
		err        error
		want, hint string
	}{
		{"only root", settings(forbidding, "0").Forbidden(), "this system lets only root make user namespaces: kernel.unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		{"everybody", settings(forbidding, "1").Forbidden(), "", ""},
		{"another kernel than Debian's", settings().Forbidden(), "", ""},
		{"none of one kind", settings("user.max_net_namespaces", "0").TurnedOff(Kinds()...), "net namespaces are turned off on this system: user.max_net_namespaces is 0", "sudo sysctl -w user.max_net_namespaces=16384"},
		{"none of another kind", settings("user.max_net_namespaces", "0").TurnedOff("user"), "", ""},
		{"many", settings("user.max_net_namespaces", "100").TurnedOff(Kinds()...), "", ""},
		{"not restricted", settings("kernel.apparmor_restrict_unprivileged_userns", "0").Restricted("/bin/unc", "unconfined"), "", ""},
		{"restricted, and the program has a profile", settings("kernel.apparmor_restrict_unprivileged_userns", "1").Restricted("/bin/unc", "unc (unconfined)"), "", ""},
		{"restricted, and nobody knows", settings("kernel.apparmor_restrict_unprivileged_userns", "1").Restricted("/bin/unc", ""), "", ""},
		{
			"restricted", settings("kernel.apparmor_restrict_unprivileged_userns", "1").Restricted("/bin/unc", "unconfined"),
			"AppArmor keeps programs without a profile from using user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1",
			`printf 'abi <abi/4.0>,\ninclude <tunables/global>\nprofile unc /bin/unc flags=(unconfined) {\n  userns,\n}\n' | sudo tee /etc/apparmor.d/unc && sudo apparmor_parser -r /etc/apparmor.d/unc`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if test.err != nil {
				got = test.err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := strings.Join(hint.Of(test.err), "\n"); got != test.hint {
				t.Errorf("got hint %q, want %q", got, test.hint)
			}
		})
	}
}

// The command is pasted into a shell: what it writes is a profile for this very path.
func TestProfileThroughAShell(t *testing.T) {
	for _, test := range []struct{ name, path, want string }{
		{"ordinary", "/usr/local/bin/unc", "/usr/local/bin/unc"},
		{"a space", "/opt/a place/unc", `"/opt/a place/unc"`},
		{"an apostrophe", "/opt/it's/unc", "/opt/it's/unc"},
		{"a format", "/opt/100%s/unc", "/opt/100%s/unc"},
		{"quotes", `/opt/a"b/unc`, `"/opt/a\"b/unc"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := settings("kernel.apparmor_restrict_unprivileged_userns", "1").Restricted(test.path, "unconfined")
			command, _, _ := strings.Cut(hint.Of(err)[0], " | ")
			got, failed := exec.Command("sh", "-c", command).Output()
			want := "abi <abi/4.0>,\ninclude <tunables/global>\nprofile unc " + test.want + " flags=(unconfined) {\n  userns,\n}\n"
			if string(got) != want || failed != nil {
				t.Errorf("%s prints %q, %v, want %q", command, got, failed, want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, setting, want string }{
		{"one that is there", "kernel.osrelease", strings.TrimSpace(string(release))},
		{"one that is not", "kernel.no_such_setting", ""},
		{"a directory", "kernel", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Read(test.setting); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
