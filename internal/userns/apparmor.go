package userns

import (
	"errors"
	"strings"

	"unc/internal/hint"
)

// Restricted tells whether AppArmor keeps programs without a profile from using the
// user namespaces that they make. It does not know whether the program has one.
func (s Settings) Restricted(program string) error {
	if s("kernel.apparmor_restrict_unprivileged_userns") != "1" {
		return nil
	}
	return hint.With(errors.New("AppArmor keeps programs without a profile from using user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1"),
		"printf "+hint.Quote(profile(program))+" | sudo tee /etc/apparmor.d/unc && sudo apparmor_parser -r /etc/apparmor.d/unc")
}

// profile allows what Ubuntu's own profiles allow the programs that they are for
// (apparmor.d(5)), in the format of printf(1). install.sh writes the same text.
func profile(program string) string {
	if strings.ContainsAny(program, " \t\"") {
		program = `"` + strings.ReplaceAll(program, `"`, `\\"`) + `"`
	}
	return `abi <abi/4.0>,\ninclude <tunables/global>\nprofile unc ` + strings.ReplaceAll(program, "%", "%%") + ` flags=(unconfined) {\n  userns,\n}\n`
}
