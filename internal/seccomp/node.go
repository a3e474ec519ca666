package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// node is a step of a decision: an answer, or a look at 32 bits of seccomp_data
// and where to go from there. Nodes are shared, and don't change.
type node struct {
	answer answer

	offset uint32 // in struct seccomp_data
	mask   uint32
	spans  []span // rising, the first from 0, neighbours different; nil for an answer
}

// span is the values from one number up to the next span.
type span struct {
	from uint32
	then *node
}

// wideSpan is a span of a whole argument.
type wideSpan struct {
	from uint64
	then *node
}

// Offsets in struct seccomp_data (include/uapi/linux/seccomp.h). A word of 64 bits has
// its low half first: arch tells of no other machine.
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
)

func leaf(a answer) *node { return &node{answer: a} }

func (n *node) isLeaf() bool { return n.spans == nil }

func same(a, b *node) bool {
	return a == b || a.isLeaf() && b.isLeaf() && a.answer == b.answer
}

// look makes a node of spans, and none where they all lead to the same.
func look(offset, mask uint32, spans []span) *node {
	spans = slices.CompactFunc(spans, func(a, b span) bool { return same(a.then, b.then) })
	if len(spans) == 1 || mask == 0 {
		return spans[0].then
	}
	return &node{offset: offset, mask: mask, spans: spans}
}

// lookWide compares an argument under a mask, by its high half and where that
// does not tell by its low one, as a filter sees no more than 32 bits at a time.
func lookWide(arg uint, mask uint64, wide []wideSpan) *node {
	wide = slices.CompactFunc(wide, func(a, b wideSpan) bool { return same(a.then, b.then) })
	offset := uint32(offsetArgs + 8*arg)
	var high []span
	for i := 0; i < len(wide); {
		top := uint32(wide[i].from >> 32)
		var low []span
		if uint32(wide[i].from) != 0 {
			low = append(low, span{0, wide[i-1].then}) // begun below
		}
		for ; i < len(wide) && uint32(wide[i].from>>32) == top; i++ {
			low = append(low, span{uint32(wide[i].from), wide[i].then})
		}
		high = append(high, span{top, look(offset, uint32(mask), low)})
		if i == len(wide) || uint32(wide[i].from>>32) > top+1 {
			if top != 1<<32-1 {
				high = append(high, span{top + 1, wide[i-1].then})
			}
		}
	}
	return look(offset+4, uint32(mask>>32), high)
}

// node is the decision of what becomes of a system call.
func (v *verdict) node(otherwise *node) *node {
	if v.always {
		return leaf(v.answer)
	}
	next := otherwise
	for end := len(v.branches); end > 0; {
		begin := end - 1
		for begin > 0 && v.branches[begin-1].mergesWith(v.branches[end-1]) {
			begin--
		}
		next = merge(v.branches[begin:end], next)
		end = begin
	}
	return next
}

// mergesWith tells whether both look at the same bits of one argument.
func (b branch) mergesWith(other branch) bool {
	return len(b.conditions) == 1 && len(other.conditions) == 1 &&
		b.conditions[0].arg == other.conditions[0].arg && b.conditions[0].mask == other.conditions[0].mask
}

// merge makes one decision of branches of which each has one condition about the
// same bits, or of a single branch.
func merge(branches []branch, next *node) *node {
	if len(branches) == 1 {
		then := leaf(branches[0].answer)
		for _, c := range slices.Backward(branches[0].conditions) {
			then = compare([]condition{c}, []*node{then}, next)
		}
		return then
	}
	conditions := make([]condition, len(branches))
	then := make([]*node, len(branches))
	for i, b := range branches {
		conditions[i], then[i] = b.conditions[0], leaf(b.answer)
	}
	return compare(conditions, then, next)
}

// compare goes to the node of the first condition that holds, or next.
func compare(conditions []condition, then []*node, next *node) *node {
	turns := []uint64{0}
	for _, c := range conditions {
		turns = c.turns(turns)
	}
	slices.Sort(turns)
	var wide []wideSpan
	for _, from := range slices.Compact(turns) {
		to := next
		if i := slices.IndexFunc(conditions, func(c condition) bool { return c.holds(from) }); i >= 0 {
			to = then[i]
		}
		wide = append(wide, wideSpan{from, to})
	}
	return lookWide(conditions[0].arg, conditions[0].mask, wide)
}

// refusing is the same decision with a refusal in place of every permission.
func (n *node) refusing(done map[*node]*node) *node {
	if n.isLeaf() {
		if n.answer.permits() {
			return leaf(refuse(unix.EPERM))
		}
		return n
	}
	if known := done[n]; known != nil {
		return known
	}
	spans := make([]span, len(n.spans))
	for i, s := range n.spans {
		spans[i] = span{s.from, s.then.refusing(done)}
	}
	made := look(n.offset, n.mask, spans)
	done[n] = made
	return made
}
