package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"unc/internal/netplumb"
)

type netCmd struct {
	Show   netShowCmd   `cmd:"" default:"withargs" help:"Show bridge, filter, addresses, names and published ports."`
	Reload netReloadCmd `cmd:"" help:"Put back what is missing after somebody has flushed the host's rules, or reloaded a firewall."`
}

type netShowCmd struct {
	Format string `enum:"table,json" default:"table"`
}

func (s *netShowCmd) run(*netplumb.Helper) (int, error) {
	status, err := netplumb.Report()
	if err != nil {
		return exitFailed, err
	}
	if s.Format == "json" {
		text, err := json.MarshalIndent(status, "", "  ")
		if err != nil {
			return 0, err
		}
		_, err = fmt.Fprintf(os.Stdout, "%s\n", text)
		return 0, err
	}
	return 0, printStatus(os.Stdout, status)
}

type netReloadCmd struct{}

func (*netReloadCmd) run(*netplumb.Helper) (int, error) {
	status, err := netplumb.Reload()
	if err != nil {
		return exitFailed, err
	}
	for _, w := range status.Warnings {
		warn(w)
	}
	return 0, nil
}

// printStatus prints it for a person.
func printStatus(to io.Writer, s *netplumb.Status) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if s.Exists {
		addresses := netip.PrefixFrom(s.Gateway, s.Subnet.Bits()).String()
		if s.Gateway6.IsValid() {
			addresses += ", " + netip.PrefixFrom(s.Gateway6, s.Subnet6.Bits()).String()
		}
		fmt.Fprintf(w, "bridge\t%s: %s\n", s.Bridge, addresses)
	} else {
		fmt.Fprintf(w, "bridge\t%s: not there, the first container makes it\n", s.Bridge)
	}
	state := "in place"
	switch {
	case !s.Filter && s.Exists:
		state = "MISSING, the next container or unc net reload puts it back"
	case !s.Filter:
		state = "not there, the first container makes it"
	}
	fmt.Fprintf(w, "filter\t%s\n", state)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, text := range s.Warnings {
		fmt.Fprintf(to, "warning: %s\n", oneLine(text))
	}
	if len(s.Leases) == 0 {
		_, err := fmt.Fprintln(to, "no containers")
		return err
	}
	w = tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nADDRESS\tOWNER\tNAME\tPORTS")
	for _, l := range s.Leases {
		fmt.Fprintf(w, "%v\t%s\t%s\t%s\n", l.Address, ownerOf(l), cmp.Or(l.Name, "-"), portList(l.Ports))
	}
	return w.Flush()
}

func ownerOf(l netplumb.Lease) string {
	if name, ok := userName(l.Owner); ok {
		return oneLine(name)
	}
	return strconv.FormatUint(uint64(l.Owner), 10)
}

// portList is what is published, in the notation of docker ps.
func portList(list []netplumb.Port) string {
	if len(list) == 0 {
		return "-"
	}
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = fmt.Sprintf("%v->%d/%s", p.Host, p.Port, p.Protocol)
	}
	return strings.Join(words, ", ")
}
