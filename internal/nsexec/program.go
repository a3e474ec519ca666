package nsexec

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// A program is all that the child does between clone and exec: a table of
// system calls that the parent prepares and the child works off (child.go).
// Everything that needs memory, a decision or a library is done while the
// table is written, in ordinary Go; the child only follows it.
//
// Results of calls that open something go into numbered slots, and later calls
// name the slot where they want the descriptor.
type program struct {
	table
	hand *handover // the slots, in the message that carries some of them out

	// kept is what the table points to: it stores addresses as uintptr, which the
	// garbage collector does not follow. All of it is in the arena, where there is one.
	kept  []unsafe.Pointer
	arena *arena
	used  slot

	mountPoints string // how to make those that are missing in the rootfs, a command to paste
	copied      bool   // the root is a copy already
	capable     bool   // some step has taken a capability

	birth *birth // see join.go

	named
}

// table has the steps of all that work it off: who joins another container, where that is to
// be done, pid 1, and the command's process.
type table struct {
	steps  []step
	joined int // the first of pid 1's
	setup  int // the first of the command's, after the loss of every privilege
}

// named are the slots that one part of the program fills and another takes from.
// Those that are handed to the parent come first, without a gap, because they are
// sent as they lie. What this container does not have is none.
type named struct {
	root, pts               slot // the container's root and its devpts, to look into (O_PATH)
	hosts, resolv, hostname slot // the files mounted over those of /etc, for writing
	route                   slot // a route netlink socket of the new network namespace
	dnsPacket, dnsStream    slot // sockets in it, bound to DNSAddress
	orphanRetries           slot // its setting of that name, for writing
	socketInside            slot // a socket in it, where there is no other
	terminal                slot // the controlling side of the pseudo-terminal
	handed                  slot // how many these are

	tty     slot // the pseudo-terminal's other side, the command's
	signals slot // where pid 1 reads of its signals
}

// newProgram begins an empty program with the slots that spec asks for.
func newProgram(spec *Spec) *program {
	p := &program{hand: new(handover), table: table{steps: make([]step, 0, 320)}} // a little more than it mostly takes
	p.mountPoints = "cd " + hint.Quote(spec.Rootfs) + " && mkdir -p proc sys dev etc    # beforehand, as somebody who may"
	p.copied = spec.Ephemeral || spec.Rootfs == ""
	slotIf := func(wanted bool) slot {
		if !wanted {
			return none
		}
		return p.newSlot()
	}
	own, terminal := spec.Network == OwnNetwork, spec.wantsTerminal()
	p.root, p.pts = p.newSlot(), p.newSlot()
	p.hosts, p.resolv, p.hostname = p.newSlot(), p.newSlot(), p.newSlot()
	p.route, p.dnsPacket, p.dnsStream, p.orphanRetries = slotIf(own), slotIf(own), slotIf(own), slotIf(own)
	p.socketInside = slotIf(spec.Network == NoNetwork)
	p.terminal = slotIf(terminal)
	p.handed = p.used
	p.tty = slotIf(terminal)
	p.signals = slotIf(!spec.NoInit)
	return p
}

// step is one system call and what its outcome means.
type step struct {
	nr      uintptr
	args    [6]uintptr
	slots   uint8            // bit i: args[i] is a slot, pass what it holds
	into    slot             // takes the result
	pardon  [4]syscall.Errno // errors that are no failure here
	onError uint8            // steps to leave out after a pardoned error
	onOK    uint8            // steps to leave out after success
	quiet   bool             // a result of 0 is the end of the other side: exit without a word

	doing   string      // for the parent's error message
	explain explanation // of what that does not say, or nil
}

// slot numbers a place for a descriptor.
type slot int16

const (
	slotCount slot = 32 + maxMounts
	none      slot = -1
)

// handover is a control message (cmsg(3)) with room for the descriptors. Its
// payload is the slots themselves, so sending needs no copying in the child.
type handover struct {
	header unix.Cmsghdr
	slot   [slotCount]int32
}

// word is an argument of a step: a number, the address of kept data, or a slot.
type word struct {
	value  uintptr
	isSlot bool
}

func num[T ~int | ~int32 | ~uint32 | ~uint64 | ~uintptr](n T) word { return word{value: uintptr(n)} }

func (s slot) word() word {
	if s == none {
		bug("the program takes what this container does not have")
	}
	return word{value: uintptr(s), isSlot: true}
}

// here is AT_FDCWD; the conversion of a negative constant needs a variable.
var (
	atFDCWD = unix.AT_FDCWD
	here    = num(atFDCWD)
)

// str keeps a copy of s, ended by a zero byte, and gives its address. The strings
// that reach a program have no zero bytes: Spec.validate saw to that.
func (p *program) str(s string) word {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return keep(p, b...)
}

// keep has values where the child will find them, and gives the address of the first:
// on the heap, of which it gets a copy, or in the arena. There is an address even for
// none. What goes to an arena holds no Go pointer.
func keep[T any](p *program, values ...T) word {
	if len(values) == 0 {
		values = make([]T, 1)
	}
	first := unsafe.Pointer(&values[0])
	if p.arena != nil {
		size := len(values) * int(unsafe.Sizeof(values[0]))
		return num(p.arena.add(unsafe.Slice((*byte)(first), size), unsafe.Alignof(values[0])))
	}
	p.kept = append(p.kept, first)
	return num(uintptr(first))
}

// vector keeps strings as execve(2) wants them: addresses, ended by zero.
func (p *program) vector(list []string) word {
	v := make([]uintptr, len(list)+1)
	for i, s := range list {
		v[i] = p.str(s).value
	}
	return keep(p, v...)
}

// newSlot reserves a slot of the child's own.
func (p *program) newSlot() slot {
	if p.used >= slotCount {
		bug("the program needs more than %d slots", slotCount)
	}
	p.used++
	return p.used - 1
}

// freeSlot closes what s holds and makes s, the last reserved one, free again.
func (p *program) freeSlot(s slot) {
	if s != p.used-1 {
		bug("slot %d is freed before %d", s, p.used-1)
	}
	p.used--
	p.call("closing a descriptor", unix.SYS_CLOSE, s.word())
}

// call appends a step and returns it for its outcome to be refined.
func (p *program) call(doing string, nr uintptr, args ...word) *step {
	s := step{nr: nr, into: none, doing: doing}
	for i, a := range args {
		s.args[i] = a.value
		if a.isSlot {
			s.slots |= 1 << i
		}
	}
	p.steps = append(p.steps, s)
	return &p.steps[len(p.steps)-1]
}

func (s *step) to(into slot) *step { s.into = into; return s }

// forgive lists errors that are no failure; each may be followed by a skip.
func (s *step) forgive(errnos ...syscall.Errno) *step {
	if copy(s.pardon[:], errnos) < len(errnos) {
		bug("step %q forgives more than %d errors", s.doing, len(s.pardon))
	}
	return s
}

// optional runs build's steps only if the step just appended succeeds, and
// forgives it the given errors.
func (p *program) optional(build func(), errnos ...syscall.Errno) {
	at := len(p.steps) - 1
	p.steps[at].forgive(errnos...)
	p.steps[at].onError = p.lengthOf(build)
}

// otherwise runs build's steps only if the step just appended fails with one of
// the given errors.
func (p *program) otherwise(build func(), errnos ...syscall.Errno) {
	at := len(p.steps) - 1
	p.steps[at].forgive(errnos...)
	p.steps[at].onOK = p.lengthOf(build)
}

func (p *program) lengthOf(build func()) uint8 {
	before := len(p.steps)
	build()
	n := len(p.steps) - before
	if n > 255 {
		bug("a skip of %d steps", n)
	}
	return uint8(n)
}
