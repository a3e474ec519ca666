package cli

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"unc/internal/name"
	"unc/internal/record"
)

// portCmd shows where a container's ports are published.
type portCmd struct {
	Name string     `arg:""`
	Port portNumber `arg:"" optional:""`
}

// Validate checks the name.
func (p *portCmd) Validate() error { return name.Check(p.Name) }

// portNumber is a port of a container's, the zero one all of them.
type portNumber struct {
	number   uint16
	protocol string
}

// UnmarshalText reads NUMBER or NUMBER/PROTOCOL.
func (p *portNumber) UnmarshalText(text []byte) error {
	number, protocol, found := strings.Cut(string(text), "/")
	if !found {
		protocol = "tcp"
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 || protocol != "tcp" && protocol != "udp" {
		return fmt.Errorf("%.40q is no port, such as 80 or 53/udp", text)
	}
	*p = portNumber{uint16(n), protocol}
	return nil
}

// run prints one port a line, as podman and Docker do.
func (p *portCmd) run() (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	e, err := find(p.Name)
	if err != nil {
		return 0, err
	}
	all := p.Port == portNumber{}
	found := false
	for _, m := range e.Info.Network.Ports {
		at := netip.AddrPortFrom(m.Host, m.HostPort)
		switch {
		case all:
			fmt.Fprintf(os.Stdout, "%d/%s -> %v\n", m.Port, oneLine(m.Protocol), at)
		case p.Port == portNumber{m.Port, m.Protocol}:
			fmt.Fprintln(os.Stdout, at)
		default:
			continue
		}
		found = true
	}
	if !all && !found {
		return 0, fmt.Errorf("container %q has no port %d/%s published", e.Info.Name, p.Port.number, p.Port.protocol)
	}
	return 0, nil
}

// publishedPorts is them all in one line, each where an address of the host alone does not tell it.
func publishedPorts(list []record.Port) string {
	var words []string
	for _, p := range list {
		word := fmt.Sprintf("%v->%d/%s", netip.AddrPortFrom(p.Host, p.HostPort), p.Port, p.Protocol)
		any4 := record.Port{Host: netip.IPv4Unspecified(), HostPort: p.HostPort, Port: p.Port, Protocol: p.Protocol}
		switch {
		case p == any4:
			word = fmt.Sprintf("%d->%d/%s", p.HostPort, p.Port, p.Protocol)
		case p.Host == netip.IPv6Unspecified() && slices.Contains(list, any4):
			continue // the same one, for the other family
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
