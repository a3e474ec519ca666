package seccomp

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// attempt is struct seccomp_data of a little-endian machine, without the
// instruction pointer.
type attempt struct {
	nr, arch uint32
	args     [argCount]uint64
}

// machine runs a filter as the kernel does, or near enough.
type machine struct{ vm *bpf.VM }

func newMachine(t testing.TB, filter []unix.SockFilter) machine {
	t.Helper()
	if err := checkFilter(filter); err != "" {
		t.Fatalf("the kernel would not take the filter: %s", err)
	}
	raw := make([]bpf.RawInstruction, len(filter))
	for i, f := range filter {
		raw[i] = bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	instructions, all := bpf.Disassemble(raw)
	if !all {
		t.Fatal("the filter has unknown instructions")
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	return machine{vm}
}

// answer feeds the words as a packet would have them, in network byte order: a
// classic filter was made for packets, and to seccomp's each is a number.
func (m machine) answer(t testing.TB, a attempt) answer {
	t.Helper()
	words := []uint32{a.nr, a.arch, 0, 0}
	for _, arg := range a.args {
		words = append(words, uint32(arg), uint32(arg>>32))
	}
	var packet []byte
	for _, w := range words {
		packet = binary.BigEndian.AppendUint32(packet, w)
	}
	got, err := m.vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	return answer(uint32(got))
}

// checkFilter is what the kernel asks of a filter: bpf_check_classic in
// net/core/filter.c and seccomp_check_filter in kernel/seccomp.c.
func checkFilter(filter []unix.SockFilter) (wrong string) {
	if len(filter) == 0 || len(filter) > unix.BPF_MAXINSNS {
		return "its length"
	}
	taken := []uint16{
		unix.BPF_LD | unix.BPF_W | unix.BPF_ABS,
		unix.BPF_ALU | unix.BPF_AND | unix.BPF_K,
		unix.BPF_JMP | unix.BPF_JA,
		unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K,
		unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K,
		unix.BPF_RET | unix.BPF_K,
	}
	for i, f := range filter {
		left := len(filter) - i - 1 // instructions
		switch {
		case !slices.Contains(taken, f.Code):
			return "an instruction"
		case f.Code == taken[0] && (f.K >= 64 || f.K%4 != 0):
			return "an offset"
		case f.Code == taken[2] && int64(f.K) >= int64(left),
			(f.Code == taken[3] || f.Code == taken[4]) && (int(f.Jt) >= left || int(f.Jf) >= left):
			return "a jump"
		}
	}
	if filter[len(filter)-1].Code != taken[5] {
		return "its end"
	}
	return ""
}
