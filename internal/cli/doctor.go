package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"unc/internal/doctor"
	"unc/internal/netplumb"
)

// doctorCmd looks for what keeps unc from working here.
type doctorCmd struct {
	Format string `enum:"text,json" default:"text"`
}

// exitUnwell says that something is missing that containers take.
const exitUnwell = 1

func (d *doctorCmd) run(*netplumb.Helper) (int, error) {
	options := doctor.Options{Checkup: netplumb.Examine}
	options.As, options.NoUser = becomePatient()
	list := doctor.Examine(options)
	if err := printFindings(os.Stdout, style(os.Stdout), d.Format, list); err != nil {
		return 0, err
	}
	if doctor.Failing(list) {
		return exitUnwell, nil
	}
	return 0, nil
}

// becomePatient becomes who the containers would belong to, and returns what makes a
// sentence of that: a look-up may take its time, and is a part of what is examined.
func becomePatient() (as func() string, err error) {
	says := "containers are those of "
	if os.Geteuid() == 0 {
		says = "run by root, which becomes another user for its containers: "
		if _, err := becomeUser(); err != nil {
			return nil, err
		}
	}
	return func() string { return says + describeUser(os.Geteuid()) }, nil
}

func describeUser(uid int) string {
	if name, ok := userName(uint32(uid)); ok {
		return fmt.Sprintf("user %q (uid %d)", name, uid)
	}
	return fmt.Sprintf("uid %d", uid)
}

// printFindings prints them as a table with the commands in between, or as an array.
func printFindings(to io.Writer, p painter, format string, list []doctor.Finding) error {
	if format == "json" {
		e := json.NewEncoder(to)
		e.SetEscapeHTML(false) // a command's && is to be read
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	var b strings.Builder
	longest := 0
	for _, f := range list {
		longest = max(longest, len(f.Name))
	}
	for _, f := range list {
		state := p.state(f.State, fmt.Sprintf("%-*s", len(doctor.Problem), f.State))
		fmt.Fprintf(&b, "%s  %-*s  %s\n", state, longest, f.Name, oneLine(f.Text))
		for _, command := range f.Fix {
			fmt.Fprintf(&b, "fix: %s\n", oneLine(command))
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// state is how the word for a state looks.
func (p painter) state(of doctor.State, text string) string {
	switch of {
	case doctor.Problem:
		return p.alarm(text)
	case doctor.Note:
		return p.caution(text)
	}
	return p.good(text)
}
