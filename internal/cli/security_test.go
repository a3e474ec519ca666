package cli

import (
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/nsexec"
)

func TestSecurityFlags(t *testing.T) {
	const (
		admin   = nsexec.Capabilities(1 << unix.CAP_SYS_ADMIN)
		chown   = nsexec.Capabilities(1 << unix.CAP_CHOWN)
		usual   = nsexec.DefaultCapabilities
		all     = nsexec.AllCapabilities
		options = ": the options are seccomp=FILE and seccomp=unconfined"
	)
	for _, test := range []struct {
		name        string
		add, drop   []string
		option      string
		kept, added nsexec.Capabilities
		profile     string
		err         string
	}{
		{name: "nothing", kept: usual},
		{name: "one more", add: []string{"SYS_ADMIN"}, kept: usual | admin, added: admin},
		{name: "one that is there anyway", add: []string{"cap_chown"}, kept: usual, added: chown},
		{name: "one less", drop: []string{"CAP_CHOWN"}, kept: usual &^ chown},
		{name: "more and less", add: []string{"sys_admin"}, drop: []string{"Chown"}, kept: usual&^chown | admin, added: admin},
		{name: "none", drop: []string{"ALL"}},
		{name: "none but one", add: []string{"SYS_ADMIN"}, drop: []string{"all"}, kept: admin, added: admin},
		{name: "all", add: []string{"all"}, kept: all, added: all},
		{name: "all but one", add: []string{"ALL"}, drop: []string{"SYS_ADMIN"}, kept: all &^ admin, added: all &^ admin},
		{name: "all and none", add: []string{"ALL"}, drop: []string{"ALL"}, err: "--cap-add ALL and --cap-drop ALL contradict each other"},
		{
			name: "the same both ways", add: []string{"CHOWN", "KILL"}, drop: []string{"CHOWN"},
			err: "--cap-add and --cap-drop contradict each other about CAP_CHOWN",
		},
		{name: "adding what there is not", add: []string{"FLY"}, err: `--cap-add "FLY": there is no such capability`},
		{name: "dropping what there is not", drop: []string{""}, err: `--cap-drop "": there is no such capability`},
		{name: "a profile", option: "seccomp=/etc/x=y.json", kept: usual, profile: "/etc/x=y.json"},
		{name: "no profile", option: "seccomp=unconfined", kept: usual, profile: unconfined},
		{name: "an empty profile", option: "seccomp=", err: `--security-opt "seccomp="` + options},
		{name: "no_new_privs", option: "no-new-privileges", kept: usual},
		{name: "no_new_privs in words", option: "no-new-privileges=true", kept: usual},
		{
			name: "new privileges", option: "no-new-privileges=false",
			err: `--security-opt "no-new-privileges=false": no container of unc's can gain privileges`,
		},
		{name: "another", option: "label=disable", err: `--security-opt "label=disable"` + options},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := securityFlags{CapAdd: test.add, CapDrop: test.drop}
			if test.option != "" {
				f.SecurityOpt = []string{test.option}
			}
			err := f.Validate()
			if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Fatalf("got error %v, want %q", err, test.err)
			}
			if err == nil && (f.kept != test.kept || f.added != test.added || f.profile != test.profile) {
				t.Errorf("got %#x, %#x and profile %q, want %#x, %#x and %q", f.kept, f.added, f.profile, test.kept, test.added, test.profile)
			}
		})
	}
}
