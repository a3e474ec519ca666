package filter

import (
	"time"

	"github.com/google/nftables"

	"unc/internal/policy"
)

// name is what both tables are called.
const name = "unc"

// table is a table as it is to be; ensure.go compares and writes it.
type table struct {
	family nftables.TableFamily
	sets   []set
	chains []chain
}

type set struct {
	name    string
	key     nftables.SetDatatype
	dynamic bool            // filled by rules
	size    uint32          // at most so many elements, of a dynamic one
	timeout time.Duration   // after which an element goes that no packet has renewed; 0: never
	verdict bool            // it is a map, to what is to happen
	keys    func() [][]byte // what it begins with; listing them takes longer than all else
}

type chain struct {
	name  string
	base  *base // nil for one that others go to
	rules []rule
}

// base is where packets enter a chain.
type base struct {
	kind     nftables.ChainType
	hook     *nftables.ChainHook
	priority nftables.ChainPriority
}

// tables is the whole filter that a policy asks for. Nothing in it depends on
// which containers there are.
func tables(p *policy.Policy, r Routed) []table {
	return []table{bridgeTable(p), inetTable(p, r)}
}
