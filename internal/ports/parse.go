package ports

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"unc/internal/hint"
)

// maxPorts is how many ports one argument may publish. Each costs a socket on the
// host for as long as the container runs.
const maxPorts = 1024

// Parse reads one argument of -p (see the package's doc). It returns one Mapping
// for each port, in ascending order; an error is one sentence about the
// argument, and may carry a hint.
func Parse(spec string) ([]Mapping, error) {
	var m Mapping
	var err error
	rest, protocol, found := strings.Cut(spec, "/")
	if found {
		if m.UDP, err = parseProtocol(strings.ToLower(protocol)); err != nil {
			return nil, err
		}
	}
	address, host, container, err := split(rest)
	if err != nil {
		return nil, err
	}
	if address != "" {
		if m.Host, err = parseHost(address); err != nil {
			return nil, err
		}
	}
	inside, err := parseRange(container)
	if err != nil {
		return nil, err
	}
	outside := portRange{count: inside.count} // picked
	if host != "" {
		if outside, err = parseRange(host); err != nil {
			return nil, err
		}
	}
	switch {
	case outside.count > inside.count && inside.count == 1:
		return nil, hint.With(fmt.Errorf("%d host ports can't lead to one container port; unc does not choose one of them", outside.count),
			"unc run -p "+container+" ...    # a host port that is free")
	case outside.count != inside.count:
		return nil, fmt.Errorf("%s on the host and %s in the container are not equally many ports", host, container)
	case inside.count > maxPorts:
		return nil, fmt.Errorf("%d ports are more than the %d that one argument may publish", inside.count, maxPorts)
	}
	all := make([]Mapping, inside.count)
	for i := range all {
		all[i] = m
		all[i].Port = inside.first + uint16(i)
		if host != "" {
			all[i].HostPort = outside.first + uint16(i)
		}
	}
	return all, nil
}

// split takes an argument without its protocol apart. An address or host port
// that is not there is "".
func split(spec string) (address, host, container string, err error) {
	rest, bracketed := strings.CutPrefix(spec, "[")
	if bracketed {
		var found bool
		if address, rest, found = strings.Cut(rest, "]:"); !found {
			return "", "", "", errors.New("the bracket before an IPv6 address is followed by the address, a bracket and a colon")
		}
		if addr, err := netip.ParseAddr(address); err != nil || addr.Is4() {
			return "", "", "", fmt.Errorf("%.60q in the brackets is not an IPv6 address", address)
		}
	}
	parts := strings.Split(rest, ":")
	switch {
	case bracketed && len(parts) == 2:
		return address, parts[0], parts[1], nil
	case bracketed:
		return "", "", "", errors.New("after an address come the host's port, a colon, and the container's port")
	case len(parts) == 1:
		return "", "", parts[0], nil
	case len(parts) == 2 && parts[0] == "" && parts[1] != "":
		return "", "", "", hint.With(errors.New("there is nothing before the colon"),
			"unc run -p "+hint.Quote(parts[1])+" ...    # a host port that is free")
	case len(parts) == 2:
		if _, err := netip.ParseAddr(parts[0]); err == nil {
			return "", "", "", hint.With(errors.New("an address is followed by a host port, which may be empty, and a container port"),
				"unc run -p "+hint.Quote(parts[0]+"::"+parts[1])+" ...    # a host port that is free")
		}
		return "", parts[0], parts[1], nil
	case len(parts) == 3 && parts[0] != "":
		return parts[0], parts[1], parts[2], nil
	}
	return "", "", "", unbracketed(spec)
}

// unbracketed explains an argument with too many colons, which is mostly an IPv6
// address without brackets.
func unbracketed(spec string) error {
	parts := strings.Split(spec, ":")
	last := max(len(parts)-2, 0)
	address, ports := strings.Join(parts[:last], ":"), strings.Join(parts[last:], ":")
	if addr, err := netip.ParseAddr(address); err == nil && addr.Is6() {
		return hint.With(errors.New("an IPv6 address stands in brackets"),
			"unc run -p "+hint.Quote("["+address+"]:"+ports)+" ...")
	}
	return errors.New("it is not an address, a host port and a container port with colons between them")
}

type portRange struct {
	first uint16
	count int
}

func parseRange(text string) (portRange, error) {
	low, high, found := strings.Cut(text, "-")
	first, err := parsePort(low)
	if err != nil || !found {
		return portRange{first, 1}, err
	}
	last, err := parsePort(high)
	if err != nil {
		return portRange{}, err
	}
	if last < first {
		return portRange{}, fmt.Errorf("the range %q ends before it begins", text)
	}
	return portRange{first, int(last-first) + 1}, nil
}
