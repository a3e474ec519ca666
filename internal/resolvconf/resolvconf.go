package resolvconf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Config is what unc knows of a resolv.conf(5). Every word of Search and Options
// is one word in the file too: without space, without control characters.
type Config struct {
	Servers []netip.Addr // in the order in which they are to be asked; IPv4 is never mapped into IPv6
	Search  []string     // domains
	Options []string     // such as ndots:1
}

// MaxServers is how many nameserver lines a resolver library heeds (MAXNS in resolv.conf(5)).
const MaxServers = 3

// Parse reads the text of a resolv.conf(5). Lines that mean nothing are passed
// over, as libc does; of several search lines the last counts.
func Parse(text string) Config {
	var c Config
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.ContainsAny(fields[0][:1], "#;") {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if addr, err := netip.ParseAddr(fields[1]); err == nil && printable(addr.Zone()) {
				c.Servers = append(c.Servers, addr.Unmap())
			}
		case "domain", "search":
			c.Search = words(fields[1:])
		case "options":
			c.Options = append(c.Options, words(fields[1:])...)
		}
	}
	return c
}

// words leaves out what is not printable: the file may go on to a container, as a
// line in another file.
func words(fields []string) []string {
	return slices.DeleteFunc(fields, func(word string) bool { return !printable(word) })
}

func printable(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// Text is c as a file, with no more servers than MaxServers. Where there is no
// server, remark stands in their place, as a comment; an empty one leaves no line.
func (c Config) Text(remark string) string {
	var b strings.Builder
	for _, addr := range c.Servers[:min(len(c.Servers), MaxServers)] {
		fmt.Fprintf(&b, "nameserver %v\n", addr)
	}
	if len(c.Servers) == 0 && remark != "" {
		fmt.Fprintf(&b, "# %s\n", remark)
	}
	if len(c.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(c.Search, " "))
	}
	if len(c.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(c.Options, " "))
	}
	return b.String()
}

// equal tells whether the two say the same.
func (c Config) equal(other Config) bool {
	return slices.Equal(c.Servers, other.Servers) &&
		slices.Equal(c.Search, other.Search) &&
		slices.Equal(c.Options, other.Options)
}
