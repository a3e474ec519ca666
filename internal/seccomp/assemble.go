package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// maxInstructions is BPF_MAXINSNS.
const maxInstructions = 4096

// assembler writes a filter from its end to its beginning. Jumps only go
// forward, so where one leads is already there when the jump is written.
type assembler struct {
	code  []unix.SockFilter // the last instruction first
	nodes map[*node]place
	rets  map[answer]place // the latest of each
}

// place is an index of assembler.code.
type place int

// maxSkip is how many instructions a conditional jump can leave out.
const maxSkip = 1<<8 - 1

func assemble(n *node) []unix.SockFilter {
	a := &assembler{nodes: make(map[*node]place), rets: make(map[answer]place)}
	a.node(n)
	slices.Reverse(a.code)
	return a.code
}

func (a *assembler) emit(code uint16, k uint32, jt, jf uint8) place {
	a.code = append(a.code, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
	return place(len(a.code) - 1)
}

// skip is how many instructions lie between the next one to be written and to.
func (a *assembler) skip(to place) int { return len(a.code) - 1 - int(to) }

// node writes n, unless it is there, and tells where it begins.
func (a *assembler) node(n *node) place {
	if n.isLeaf() {
		return a.ret(n.answer)
	}
	if at, done := a.nodes[n]; done {
		return at
	}
	// What loads the value comes right before the first jump, which is written last.
	a.tree(n.spans)
	if n.mask != 1<<32-1 {
		a.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, n.mask, 0, 0)
	}
	at := a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, n.offset, 0, 0)
	a.nodes[n] = at
	return at
}

func (a *assembler) ret(what answer) place {
	at, done := a.rets[what]
	if !done || a.skip(at) > maxSkip {
		at = a.emit(unix.BPF_RET|unix.BPF_K, uint32(what), 0, 0)
		a.rets[what] = at
	}
	return at
}

// tree writes a binary search for the span of the accumulator.
func (a *assembler) tree(spans []span) place {
	switch {
	case len(spans) == 1:
		return a.node(spans[0].then)
	case len(spans) == 3 && spans[2].from == spans[1].from+1 && same(spans[0].then, spans[2].then):
		no, yes := a.node(spans[0].then), a.node(spans[1].then)
		return a.jump(unix.BPF_JEQ, spans[1].from, yes, no)
	}
	middle := len(spans) / 2
	yes := a.tree(spans[middle:])
	no := a.tree(spans[:middle])
	return a.jump(unix.BPF_JGE, spans[middle].from, yes, no)
}

// jump writes a conditional jump, and before it what brings far places near.
func (a *assembler) jump(test uint16, k uint32, yes, no place) place {
	for a.skip(yes) > maxSkip || a.skip(no) > maxSkip {
		if a.skip(no) > maxSkip {
			no = a.near(no)
		}
		if a.skip(yes) > maxSkip {
			yes = a.near(yes)
		}
	}
	return a.emit(unix.BPF_JMP|test|unix.BPF_K, k, uint8(a.skip(yes)), uint8(a.skip(no)))
}

// near writes what does the same as the instruction at to.
func (a *assembler) near(to place) place {
	if ret := a.code[to]; ret.Code == unix.BPF_RET|unix.BPF_K {
		return a.ret(answer(ret.K))
	}
	return a.emit(unix.BPF_JMP|unix.BPF_JA, uint32(a.skip(to)), 0, 0)
}
