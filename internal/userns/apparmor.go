package userns

import (
	"errors"
	"strings"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// Restricts tells whether AppArmor keeps programs without a profile from using the user
// namespaces that they make.
func (s Settings) Restricts() bool {
	return s("kernel.apparmor_restrict_unprivileged_userns") == "1"
}

// Restricted tells whether it keeps a program from that, of which there is a process with
// the given label.
func (s Settings) Restricted(program, label string) error {
	if !s.Restricts() || label != "unconfined" {
		return nil
	}
	return hint.With(errors.New("AppArmor keeps programs without a profile from using user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1"),
		"printf "+hint.Quote(profile(program))+" | sudo tee /etc/apparmor.d/unc && sudo apparmor_parser -r /etc/apparmor.d/unc")
}

// Label is which profile this very process is under (proc_pid_attr(5)), in the system whose
// root is given, "" for this one. Where AppArmor is beside another module it has a file of
// its own.
func Label(root string) (string, error) {
	var failed error
	for _, path := range []string{"/proc/self/attr/apparmor/current", "/proc/self/attr/current"} {
		text, err := rawio.ReadFile(root+path, 4<<10)
		if err == nil {
			return strings.TrimRight(string(text), "\n\x00"), nil
		}
		failed = errors.Join(failed, err)
	}
	return "", failed
}

// profile allows what Ubuntu's own profiles allow the programs that they are for
// (apparmor.d(5)), in the format of printf(1). install.sh writes the same text.
func profile(program string) string {
	if strings.ContainsAny(program, " \t\"") {
		program = `"` + strings.ReplaceAll(program, `"`, `\\"`) + `"`
	}
	return `abi <abi/4.0>,\ninclude <tunables/global>\nprofile unc ` + strings.ReplaceAll(program, "%", "%%") + ` flags=(unconfined) {\n  userns,\n}\n`
}
