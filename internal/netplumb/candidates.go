package netplumb

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/policy"
)

// candidates are the numbers of the addresses to try: the wanted one alone, or all
// from a random one on; and after them, those that were set aside.
func candidates(p *policy.Policy, wanted netip.Addr, aside *[]uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		first, last := p.Numbers()
		if wanted.IsValid() {
			if number, ok := p.Number(wanted); !ok || !yield(number) {
				return
			}
			last = first - 1 // no others
		}
		for n := range lease.Shuffled(last - first + 1) {
			if !yield(first + n) {
				return
			}
		}
		for _, number := range *aside {
			if !yield(number) {
				return
			}
		}
	}
}

// setAside puts an address off that has connections left of its last holder's, whose
// other side would be let in to the next. The second time, it ends them.
func setAside(p *policy.Policy, number uint32, aside *[]uint32) (bool, error) {
	addr, addr6 := p.Addr(number), p.Addr6(number)
	tracked, err := filter.IsTracked(addr, addr6)
	if !tracked || err != nil {
		return false, err
	}
	if !slices.Contains(*aside, number) {
		*aside = append(*aside, number)
		return true, nil
	}
	return false, filter.Forget(addr, addr6)
}

// explainHeld is for an address that was asked for by number.
func explainHeld(c *conn, p *policy.Policy, addr netip.Addr) error {
	first, last := p.Numbers()
	if _, ok := p.Number(addr); !ok {
		return hint.With(fmt.Errorf("%v can't be leased: containers have %v to %v here", addr, p.Addr(first), p.Addr(last)),
			"leave --ip out to get any that is free")
	}
	holder := "somebody"
	if l, err := c.link(lease.Name(addr)); err == nil {
		holder = describe(l)
	}
	return hint.With(held{fmt.Sprintf("the address %v is taken, by %s", addr, holder)}, "unc net    # shows all that are taken")
}
