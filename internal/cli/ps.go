package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"unc/internal/record"
)

// psCmd lists the user's containers.
type psCmd struct {
	All    bool         `short:"a"`
	Quiet  bool         `short:"q"`
	Format templateText `placeholder:"json|TEMPLATE"`
}

// row is a container in the list, and what a template can name.
type row struct {
	Name, Command, Status, Network, Address, Ports, Rootfs string

	PID     int
	Created time.Time
	Labels  map[string]string
}

// Validate checks the template.
func (p *psCmd) Validate() error { return p.Format.check(row{}) }

// run prints them.
func (p *psCmd) run() (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	all, err := list()
	if err != nil {
		return 0, err
	}
	shown := all[:0]
	for _, e := range all {
		if e.Alive || p.All {
			shown = append(shown, e)
		}
	}
	switch {
	case p.Quiet:
		for _, e := range shown {
			fmt.Fprintln(os.Stdout, e.Info.Name)
		}
		return 0, nil
	case p.Format.text == "json":
		return 0, printJSON(os.Stdout, infosOf(shown))
	case p.Format.text == "", p.Format.text == tableWord:
		return 0, printTable(os.Stdout, shown)
	}
	rows := make([]row, len(shown))
	for i, e := range shown {
		rows[i] = rowOf(e)
	}
	return 0, printEach(forReader(os.Stdout), &p.Format, rows)
}

func rowOf(e *record.Entry) row {
	r := row{
		Name: e.Info.Name, Command: oneLine(strings.Join(e.Info.Command, " ")), Status: statusOf(e), Network: oneLine(e.Info.Network.Kind),
		Rootfs: oneLine(e.Info.Rootfs), PID: e.Info.PID, Created: e.Info.Created, Labels: e.Info.Labels,
	}
	if e.Alive { // what it had of the network may be another's by now
		r.Ports = oneLine(publishedPorts(e.Info.Network.Ports))
		if e.Info.Network.Address.IsValid() {
			r.Address = e.Info.Network.Address.String()
		}
	}
	return r
}

// statusOf says since when it runs, or how it ended.
func statusOf(e *record.Entry) string {
	switch {
	case e.Info.Ended != nil:
		return fmt.Sprintf("exited (%d) %s ago", e.Info.Ended.Code, roughly(time.Since(e.Info.Ended.Time)))
	case e.Info.Supervisor == 0:
		return "starting"
	}
	return "up " + roughly(time.Since(e.Info.Started))
}

// roughly is a duration in its largest unit.
func roughly(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.size); n > 0 {
			return plural(n, unit.name)
		}
	}
	return plural(max(0, int(d/time.Second)), "second")
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// maxCommand is how much of a command is shown in the table.
const maxCommand = 30

func printTable(to io.Writer, list []*record.Entry) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tCOMMAND\tSTATUS\tADDRESS\tPORTS")
	for _, e := range list {
		r := rowOf(e)
		if short := []rune(r.Command); len(short) > maxCommand {
			r.Command = string(short[:maxCommand-1]) + "…"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Command, r.Status, cmp.Or(r.Address, "-"), cmp.Or(r.Ports, "-"))
	}
	return w.Flush()
}
