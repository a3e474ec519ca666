package ports

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Mapping is one published port.
type Mapping struct {
	UDP      bool       // otherwise TCP
	Host     netip.Addr // the zero Addr: all addresses of the host, IPv4 and IPv6
	HostPort uint16     // 0: any that is free
	Port     uint16     // in the container
}

// anyHost is how the zero Addr is written.
const anyHost = "*"

// String gives the four fields in order, for ParseMapping: "tcp 127.0.0.1 8080 80",
// "udp * 0 53".
func (m Mapping) String() string {
	host := anyHost
	if m.Host.IsValid() {
		host = m.Host.String()
	}
	return m.Protocol() + " " + host + " " + strconv.Itoa(int(m.HostPort)) + " " + strconv.Itoa(int(m.Port))
}

// ParseMapping is the inverse of String, and takes no other spelling.
func ParseMapping(text string) (Mapping, error) {
	m, err := parseMapping(text)
	if err == nil && m.String() != text {
		err = errors.New("it is not the canonical spelling")
	}
	if err != nil {
		return Mapping{}, fmt.Errorf("reading the mapping %.80q: %w", text, err)
	}
	return m, nil
}

func parseMapping(text string) (m Mapping, err error) {
	fields := strings.Split(text, " ")
	if len(fields) != 4 {
		return m, errors.New("it is not a protocol, an address and two ports")
	}
	if m.UDP, err = parseProtocol(fields[0]); err != nil {
		return m, err
	}
	if fields[1] != anyHost {
		if m.Host, err = parseHost(fields[1]); err != nil {
			return m, err
		}
	}
	if fields[2] != "0" {
		if m.HostPort, err = parsePort(fields[2]); err != nil {
			return m, err
		}
	}
	m.Port, err = parsePort(fields[3])
	return m, err
}

// Protocol is "tcp" or "udp".
func (m Mapping) Protocol() string {
	if m.UDP {
		return "udp"
	}
	return "tcp"
}

// argument is the Mapping as a person would write it after -p.
func (m Mapping) argument() string {
	var b strings.Builder
	switch {
	case m.Host.Is6():
		b.WriteString("[" + m.Host.String() + "]:")
	case m.Host.IsValid():
		b.WriteString(m.Host.String() + ":")
	}
	if m.HostPort != 0 {
		b.WriteString(strconv.Itoa(int(m.HostPort)))
	}
	if m.HostPort != 0 || m.Host.IsValid() {
		b.WriteString(":")
	}
	b.WriteString(strconv.Itoa(int(m.Port)) + "/" + m.Protocol())
	return b.String()
}

func parseProtocol(text string) (udp bool, err error) {
	switch text {
	case "tcp":
		return false, nil
	case "udp":
		return true, nil
	case "":
		return false, errors.New("there is no protocol after the slash; unc publishes tcp and udp")
	}
	return false, fmt.Errorf("the protocol is %.20q, and unc publishes tcp and udp", text)
}

// parseHost takes what a socket can be bound to without further knowledge. A
// link-local IPv6 address can't be: bind(2) wants to know the interface.
func parseHost(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%.60q is not an IP address", text)
	case addr.Zone() != "":
		return netip.Addr{}, fmt.Errorf("the address %.60q has a zone, and unc publishes at addresses without", text)
	case addr.Is4In6():
		return netip.Addr{}, fmt.Errorf("the address %q is an IPv4 address written as IPv6; write %v", text, addr.Unmap())
	case addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return netip.Addr{}, fmt.Errorf("the address %q stands for many machines, and a port is published at an address of this one", text)
	case addr.Is6() && addr.IsLinkLocalUnicast():
		return netip.Addr{}, fmt.Errorf("the address %q is link-local: it means nothing without a zone, and unc publishes at addresses without", text)
	}
	return addr, nil
}

// parsePort takes a decimal number as the kernel prints it.
func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case text == "":
		return 0, errors.New("a port is missing")
	case err != nil, n == 0, strconv.FormatUint(n, 10) != text:
		return 0, fmt.Errorf("%.20q is not a port, which is a number from 1 to 65535", text)
	}
	return uint16(n), nil
}
