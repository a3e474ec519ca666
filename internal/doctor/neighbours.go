package doctor

import (
	"fmt"
	"math/bits"
	"strconv"

	"unc/internal/hint"
	"unc/internal/netplumb"
)

// entriesEach is how many neighbours one more container makes, as soon as it talks to
// anybody: the host one of it, and it one of the host.
const entriesEach = 2

// neighbours compares the room in the kernel's tables of neighbours with the containers that
// there may be. The tables, one for IPv4 and one for IPv6, are those of the whole machine,
// however many networks it has (arp(7), gc_thresh3). Where one is full, who talks to
// somebody new gets nowhere until an entry is old.
func (m *machine) neighbours(t *netplumb.Terms) Finding {
	const name = "neighbours"
	families := []string{"ipv4"}
	if t.IPv6 {
		families = append(families, "ipv6")
	}
	var commands []string
	fewest := 0
	for _, family := range families {
		setting := "net." + family + ".neigh.default.gc_thresh3"
		room, err := strconv.Atoi(m.settings(setting))
		if err != nil {
			continue // only the machine's own network shows it
		}
		if fewest == 0 || room < fewest {
			fewest = room
		}
		if room < entriesEach*t.Addresses {
			commands = append(commands, fmt.Sprintf("sudo sysctl -w %s=%d", setting, enough(t.Addresses)))
		}
	}
	switch {
	case commands != nil:
		return found(name, Note, hint.With(
			fmt.Errorf("%d containers may be on the network, each of which takes %d entries of a table of neighbours, and the kernel has room for %d on the whole machine",
				t.Addresses, entriesEach, fewest), commands...))
	case fewest == 0:
		return fine(name, "this kernel shows no limit of them")
	}
	return fine(name, fmt.Sprintf("the kernel has room for %d neighbours, and %d containers may be on the network", fewest, t.Addresses))
}

// enough is twice of what they take, for they talk to each other as well, as the power of
// two that limits of the kernel's usually are.
func enough(containers int) int { return 1 << bits.Len(uint(2*entriesEach*containers-1)) }
