package idmap

import "strconv"

// span is the ids from first to last.
type span struct{ first, last uint32 }

// maxID is the last id that there is: the number after it means none (setresuid(2)).
const maxID = 1<<32 - 2

// maxText is how long all lines of a map may be together: less than a page, of
// which 4096 bytes is the smallest (user_namespaces(7)). The limit of 340 lines
// is never met first.
const maxText = 4095

// arrange makes one half of a map: own under the number inside, and all of the
// subordinate ids under the others from 0 on. What does not fit is left out.
func arrange(own, inside uint32, subordinate []span) []Range {
	list := []Range{{inside, own, 1}}
	text := list[0].length()
	next := uint64(0) // a number inside, or one too many
	for _, s := range subordinate {
		for first := uint64(s.first); first <= uint64(s.last); {
			if next == uint64(inside) {
				next++
			}
			end := uint64(maxID) + 1
			if next < uint64(inside) {
				end = uint64(inside)
			}
			n := min(uint64(s.last)-first+1, end-next)
			r := Range{uint32(next), uint32(first), uint32(n)}
			if text += r.length(); n == 0 || text > maxText {
				return list
			}
			list = append(list, r)
			next, first = next+n, first+n
		}
	}
	return list
}

// length is that of the line which newuidmap(1) writes for r.
func (r Range) length() int {
	n := len("  \n")
	for _, number := range []uint32{r.Inside, r.Outside, r.Count} {
		n += len(strconv.FormatUint(uint64(number), 10))
	}
	return n
}

// without is what is left of s without those of taken.
func (s span) without(taken []span) []span {
	rest := []span{s}
	for _, t := range taken {
		var next []span
		for _, r := range rest {
			if t.last < r.first || t.first > r.last {
				next = append(next, r)
				continue
			}
			if r.first < t.first {
				next = append(next, span{r.first, t.first - 1})
			}
			if r.last > t.last {
				next = append(next, span{t.last + 1, r.last})
			}
		}
		rest = next
	}
	return rest
}
