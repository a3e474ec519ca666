package names

import (
	"net/netip"
	"strconv"
	"strings"
)

// Directory is where names of ours are looked up. Its functions are called by
// several goroutines at once, with what a container sent, and must not wait for
// the network: every name waits with them.
type Directory struct {
	// Owner is the user (uid on the host) of the container that asks.
	Owner uint32
	// Lookup returns the addresses of the owner's live container of that name, which
	// is lower case; those that it does not have are the zero Addr.
	Lookup func(owner uint32, name string) (v4, v6 netip.Addr, ok bool)
	// Reverse returns whose container has the address, and what it is called.
	Reverse func(addr netip.Addr) (owner uint32, name string, ok bool)
	// Gateway and Gateway6 are the host, as the container sees it. Each may be the
	// zero Addr.
	Gateway, Gateway6 netip.Addr
	// UserID and UserName are the host's list of users, passwd(5).
	UserID   func(name string) (uint32, bool)
	UserName func(uid uint32) (string, bool)
}

// hostName is what the gateway is called; podman calls it so. Docker's name for it
// is understood too.
const (
	hostName       = "host.containers.internal"
	hostNameDocker = "host.docker.internal"
)

// A record is what there is to say of a name of ours: addresses, or for a name
// under arpa the name of the address.
type record struct {
	v4, v6 netip.Addr
	name   string // with the dot at its end
}

// find looks up a name as it was sent, without the dot at its end.
func (d *Directory) find(name string) (record, bool) {
	lower := strings.ToLower(name)
	if lower == hostName || lower == hostNameDocker {
		return record{v4: d.Gateway, v6: d.Gateway6}, d.Gateway.IsValid() || d.Gateway6.IsValid()
	}
	if addr, ok := reverseAddr(lower); ok {
		return d.findAddr(addr)
	}
	container, _, _ := strings.Cut(lower, ".")
	if !validContainer(container) {
		return record{}, false
	}
	owner := d.Owner
	if _, user, qualified := strings.Cut(name, "."); qualified {
		var ok bool
		if owner, ok = d.user(user); !ok {
			return record{}, false
		}
	}
	v4, v6, ok := d.Lookup(owner, container)
	return record{v4: v4, v6: v6}, ok
}

// user returns the uid of what stands after the dot. A number is a uid, even
// where somebody is called after the number of somebody else.
func (d *Directory) user(name string) (uint32, bool) {
	if uid, ok := parseUID(name); ok {
		return uid, true
	}
	if !validUser(name) {
		return 0, false
	}
	if uid, ok := d.UserID(name); ok {
		return uid, true
	}
	if lower := strings.ToLower(name); lower != name {
		return d.UserID(lower)
	}
	return 0, false
}

func (d *Directory) findAddr(addr netip.Addr) (record, bool) {
	if addr == d.Gateway || addr == d.Gateway6 {
		return record{name: hostName + "."}, true
	}
	owner, name, ok := d.Reverse(addr)
	if !ok || !validContainer(name) {
		return record{}, false
	}
	if owner == d.Owner {
		return record{name: name + "."}, true
	}
	// What is said here must lead back.
	user, ok := d.UserName(owner)
	if _, number := parseUID(user); !ok || number || !validUser(user) {
		user = strconv.FormatUint(uint64(owner), 10)
	}
	return record{name: name + "." + user + "."}, true
}

// reverseAddr returns the address that a lower-case name under in-addr.arpa
// (RFC 1035 section 3.5) or ip6.arpa (RFC 3596 section 2.5) stands for.
func reverseAddr(name string) (netip.Addr, bool) {
	if digits, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		var b strings.Builder
		for rest := digits; rest != ""; {
			at := strings.LastIndexByte(rest, '.')
			b.WriteString(rest[at+1:])
			if rest = rest[:max(at, 0)]; rest != "" {
				b.WriteByte('.')
			}
		}
		addr, err := netip.ParseAddr(b.String())
		return addr, err == nil && addr.Is4()
	}
	digits, ok := strings.CutSuffix(name, ".ip6.arpa")
	if !ok || len(digits) != 2*32-1 {
		return netip.Addr{}, false
	}
	var ip [16]byte
	for i := range 32 {
		at := 2 * (31 - i) // the last digit comes first
		digit, err := strconv.ParseUint(digits[at:at+1], 16, 4)
		if err != nil || at > 0 && digits[at-1] != '.' {
			return netip.Addr{}, false
		}
		ip[i/2] = ip[i/2]<<4 | byte(digit)
	}
	return netip.AddrFrom16(ip), true
}

// validContainer tells whether a container can be called so:
// [a-z0-9][a-z0-9_-]{0,62}. Names are registered in lower case.
func validContainer(name string) bool {
	return validWord(name, "") && len(name) <= maxLabel && name[0] != '_' && name[0] != '-' && name == strings.ToLower(name)
}

// validUser tells whether a user can be called so and be one label: what
// useradd(8) takes, without the dot.
func validUser(name string) bool {
	return validWord(strings.TrimSuffix(name, "$"), "") && len(name) <= maxLabel && name[0] != '-'
}

// validWord tells whether text is one or more of letters, digits, underscore,
// hyphen and what else is given.
func validWord(text, other string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		case strings.IndexByte(other, c) < 0:
			return false
		}
	}
	return text != ""
}

// parseUID reads a uid as it is written by everybody: no sign, no leading zero.
// The highest number is no uid (-1 in chown(2)).
func parseUID(text string) (uint32, bool) {
	uid, err := strconv.ParseUint(text, 10, 32)
	if err != nil || uid == 1<<32-1 || strconv.FormatUint(uid, 10) != text {
		return 0, false
	}
	return uint32(uid), true
}
