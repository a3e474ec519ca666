package resolvconf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"unc/internal/rawio"
)

// HostFile is the file that the host's own programs read.
const HostFile = "/etc/resolv.conf"

// hostFiles are where the host's resolvers are found. The first may name only a
// stub on the host's loopback, and then those who wrote the stub's name there
// keep the real ones in the others.
var hostFiles = []string{
	HostFile,
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
	"/run/resolvconf/resolv.conf",
}

// maxSize is how much of such a file is read, in bytes.
const maxSize = 64 << 10

// Host returns what the host's own programs use. For a host without the file it
// is empty.
func Host() (Config, error) {
	c, err := read(HostFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading the host's resolvers: %w", err)
	}
	return c, nil
}

// Reachable returns the host's resolvers that a container can ask for itself, of
// which there may be none, and the host's search list and options.
func Reachable() (Config, error) { return reachable(hostFiles) }

func reachable(paths []string) (Config, error) {
	var found Config
	for i, path := range paths {
		c, err := read(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return Config{}, fmt.Errorf("reading the host's resolvers: %w", err)
		}
		if i == 0 || len(found.Search) == 0 {
			found.Search, found.Options = c.Search, c.Options
		}
		for _, addr := range c.Servers {
			if fromContainer(addr) {
				found.Servers = append(found.Servers, addr)
			}
		}
		if len(found.Servers) > 0 {
			break
		}
	}
	return found, nil
}

// fromContainer tells whether a container can send there. An IPv6 address it can't
// count on: a bridge may be without.
func fromContainer(addr netip.Addr) bool {
	return addr.Is4() && !addr.IsLoopback() && !addr.IsUnspecified()
}

func read(path string) (Config, error) {
	text, err := rawio.ReadFile(path, maxSize)
	if err != nil {
		return Config{}, err
	}
	return Parse(string(text)), nil
}
