package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"golang.org/x/crypto/blake2s"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// resolveSubnet6 takes IPv6 away where the kernel has none, and makes a prefix
// where one is to be derived.
func resolveSubnet6(p *Policy, derive bool, from files) error {
	if !derive && !p.Subnet6.IsValid() {
		return nil
	}
	has, err := hasIPv6(from)
	if err != nil {
		return err
	}
	if !has {
		p.Subnet6 = netip.Prefix{}
		return nil
	}
	if derive {
		id, err := machineID(from)
		if err != nil {
			return err
		}
		p.Subnet6 = subnet6Of(id)
	}
	return nil
}

// hasIPv6 is false for a kernel that was built without IPv6 or started with
// ipv6.disable=1, and where an administrator has turned it off.
func hasIPv6(from files) (bool, error) {
	text, err := rawio.ReadFile(from.disableIPv6, 64)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("finding out whether this host has IPv6: %w", err)
	}
	return strings.TrimSpace(string(text)) == "0", nil
}

// machineID returns the id of this machine, or where it has none that of its
// boot. An id that this user may not read is an error, not a reason for the other
// one: users would have different ideas of one bridge.
func machineID(from files) (string, error) {
	text, err := rawio.ReadFile(from.machineID, 4096)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", hint.With(fmt.Errorf("making an IPv6 prefix from the machine id: %w", err),
			"sudo chmod 444 "+hint.Quote(from.machineID)+"    # or set SUBNET6 in "+hint.Quote(from.policy))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("making an IPv6 prefix from the machine id: %w", err)
	}
	// Before the first boot is over the file is empty, or says "uninitialized" (machine-id(5)).
	id := strings.TrimSpace(string(text))
	if len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" {
		return id, nil
	}
	text, err = rawio.ReadFile(from.bootID, 4096)
	if err != nil {
		return "", fmt.Errorf("making an IPv6 prefix from the boot id: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// subnet6Of makes a unique local prefix: fd, 40 bits that no other site is likely
// to have, and 16 for the subnet (RFC 4193, section 3.1). The id itself is to be
// kept from networks (machine-id(5)), and can't be had back from the hash.
func subnet6Of(id string) netip.Prefix {
	sum := blake2s.Sum256([]byte("unc network " + id))
	ip := [16]byte{0: 0xfd}
	copy(ip[1:8], sum[:])
	return netip.PrefixFrom(netip.AddrFrom16(ip), 64)
}
