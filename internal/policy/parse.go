package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Settings are what a network.conf says, before anything is looked up.
type Settings struct {
	policy        Policy
	flannel       bool     // the subnet is flannel's
	deriveSubnet6 bool     // no line has it
	allow         []string // users and @groups; none is everybody
	lines         map[string]int
}

// Parse reads the text of a network.conf; doc.go has the format and the table of
// keys. It looks nothing up, and accepts names of users that nobody has. An
// error begins with "line" and its number.
func Parse(text string) (*Settings, error) {
	s := &Settings{
		policy: Policy{
			Bridge:         "unc0",
			Subnet:         netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 100, 42, 0}), 24),
			MaxPerUser:     128,
			MaxPorts:       128,
			MaxConnections: 8192,
			Isolated:       true,
			NAT:            true,
			HostAccess:     true,
			Publish:        []Span{{1024, 65535}},
			everybody:      true,
		},
		deriveSubnet6: true,
	}
	var err error
	s.lines, err = scan(text, s.set)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// keys in the order of the documentation. Each takes its value to where it
// belongs, or says what it wants instead.
var keys = [...]struct {
	name string
	set  func(s *Settings, value string) error
}{
	{"BRIDGE", (*Settings).setBridge},
	{"SUBNET", (*Settings).setSubnet},
	{"SUBNET6", (*Settings).setSubnet6},
	{"MTU", func(s *Settings, v string) error { return number(&s.policy.MTU, v, minMTU, maxMTU) }},
	{"MAX_PER_USER", func(s *Settings, v string) error { return number(&s.policy.MaxPerUser, v, 1, Ports-2) }},
	{"MAX_PORTS_PER_USER", func(s *Settings, v string) error { return number(&s.policy.MaxPorts, v, 0, 1024) }},
	{"MAX_CONNECTIONS", func(s *Settings, v string) error { return number(&s.policy.MaxConnections, v, 64, 1<<20) }},
	{"ISOLATION", func(s *Settings, v string) error { return either(&s.policy.Isolated, v, "user", "none") }},
	{"PUBLISH", func(s *Settings, v string) error { return spans(&s.policy.Publish, v) }},
	{"NAT", func(s *Settings, v string) error { return either(&s.policy.NAT, v, "yes", "no") }},
	{"HOST_ACCESS", func(s *Settings, v string) error { return either(&s.policy.HostAccess, v, "yes", "no") }},
	{"ALLOW", (*Settings).setAllow},
}

func (s *Settings) set(key, value string) error {
	for i := range keys {
		if keys[i].name == key {
			if err := keys[i].set(s, value); err != nil {
				return fmt.Errorf("%s=%.64q: %w", key, value, err)
			}
			return nil
		}
	}
	return unknownKey(key)
}

const (
	minMTU = 1280 // what IPv6 asks of every link (RFC 8200, section 5)
	maxMTU = 65535
)

// number accepts a decimal number in its one canonical spelling.
func number(to *int, value string, least, most int) error {
	n, err := strconv.Atoi(value)
	if err != nil || strconv.Itoa(n) != value || n < least || n > most {
		return fmt.Errorf("want a number from %d to %d", least, most)
	}
	*to = n
	return nil
}

func either(to *bool, value, yes, no string) error {
	if value != yes && value != no {
		return fmt.Errorf("want %s or %s", yes, no)
	}
	*to = value == yes
	return nil
}

// setBridge accepts what the kernel does as a name (dev_valid_name in
// net/core/dev.c), less what would be taken for something else: a host end, a
// directory of sysctls, a template ("%d"), an option of ip(8).
func (s *Settings) setBridge(value string) error {
	switch {
	case len(value) > 15: // IFNAMSIZ, with the zero at the end
		return errors.New("want at most 15 bytes")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(value, "/:%"):
		return errors.New("want letters, digits and signs other than / : %")
	case value[0] == '-':
		return errors.New("want a name that is not like an option")
	case strings.HasPrefix(value, "uv"):
		return errors.New(`names that begin with "uv" are those of the bridge's ports`)
	}
	switch value {
	case ".", "..", "lo", "all", "default":
		return errors.New("that name has a meaning of its own")
	}
	s.policy.Bridge = value
	return nil
}

func (s *Settings) setSubnet(value string) error {
	if s.flannel = value == "flannel"; s.flannel {
		return nil
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return errors.New("want addresses as in 10.100.42.0/24, or flannel")
	}
	if err := checkSubnet(p); err != nil {
		return err
	}
	if err := checkMasked(p); err != nil {
		return err
	}
	s.policy.Subnet = p
	return nil
}

func (s *Settings) setSubnet6(value string) error {
	s.deriveSubnet6 = false
	if value == "none" {
		return nil
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return errors.New("want addresses as in fd42:756e:6300::/64, or none")
	}
	if err := checkSubnet6(p); err != nil {
		return err
	}
	if err := checkMasked(p); err != nil {
		return err
	}
	s.policy.Subnet6 = p
	return nil
}
