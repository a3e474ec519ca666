package cli

import (
	"errors"
	"os"

	"unc/internal/hint"
	"unc/internal/name"
	"unc/internal/record"
)

// inspectCmd shows all that is recorded of containers.
type inspectCmd struct {
	Format templateText `placeholder:"TEMPLATE"`
	Name   []string     `arg:""`
}

// Validate checks the names, and refuses what only unc ps prints.
func (i *inspectCmd) Validate() error {
	if i.Format.isTable {
		return hint.With(about("--format", i.Format.text, errors.New("a table is what ps prints")), `unc ps -a --format 'table {{.Name}}\t{{.Status}}'`)
	}
	if err := i.Format.check(record.Info{}); err != nil {
		return err
	}
	for _, n := range i.Name {
		if err := name.Check(n); err != nil {
			return err
		}
	}
	return nil
}

// run prints them, as one list in JSON or each as the template says.
func (i *inspectCmd) run() (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	entries, code := findAll(i.Name)
	infos := infosOf(entries)
	if i.Format.text == "" {
		return code, printJSON(os.Stdout, infos)
	}
	return code, printEach(forReader(os.Stdout), &i.Format, infos)
}

func infosOf(list []*record.Entry) []*record.Info {
	infos := make([]*record.Info, len(list))
	for i, e := range list {
		infos[i] = e.Info
	}
	return infos
}
