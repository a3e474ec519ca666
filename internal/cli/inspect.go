package cli

import (
	"fmt"
	"os"

	"unc/internal/name"
	"unc/internal/netplumb"
)

// inspectCmd shows all that is recorded of containers.
type inspectCmd struct {
	Format string   `placeholder:"TEMPLATE"`
	Name   []string `arg:""`
}

// Validate checks the names.
func (i *inspectCmd) Validate() error {
	for _, n := range i.Name {
		if err := name.Check(n); err != nil {
			return err
		}
	}
	return nil
}

// run prints them, as one list in JSON or each as the template says.
func (i *inspectCmd) run(*netplumb.Helper) (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	entries, code := findAll(i.Name)
	if i.Format == "" {
		return code, printInfos(os.Stdout, entries)
	}
	t, err := parseTemplate(i.Format)
	if err != nil {
		return 0, err
	}
	to := forReader(os.Stdout)
	for _, e := range entries {
		if err := t.Execute(to, e.Info); err != nil {
			return 0, about("--format", i.Format, err)
		}
		fmt.Fprintln(to)
	}
	return code, nil
}
