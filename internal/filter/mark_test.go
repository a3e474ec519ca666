package filter

import (
	"encoding/binary"
	"testing"

	"unc/internal/policy"
)

func TestMarkAndMarked(t *testing.T) {
	seen := map[uint32]bool{}
	for number := range uint32(policy.Ports) {
		for _, port := range []uint16{0, 1, 80, 255, 256, 0x7474, 0xfc00, 65535} {
			mark := Mark(number, port)
			if seen[mark] {
				t.Fatalf("Mark(%d, %d) = %#x, which is another's", number, port, mark)
			}
			seen[mark] = true
			if n, p, ours := Marked(mark); n != number || p != port || !ours {
				t.Fatalf("Marked(Mark(%d, %d)) = %d, %d, %v", number, port, n, p, ours)
			}
			if magic, mask := Magic(); mark&mask != magic {
				t.Fatalf("Mark(%d, %d) = %#x, and Magic() = %#x with mask %#x", number, port, mark, magic, mask)
			}
		}
	}
}

// The rules see the mark as bytes in memory, on machines of either byte order.
func TestMarkLiesInMemoryAsAPacketHasIt(t *testing.T) {
	for _, test := range []struct {
		number uint32
		port   uint16
		want   [4]byte
	}{
		{2, 80, [4]byte{0, 80, 0x74, 2}},
		{0, 0, [4]byte{0, 0, 0x74, 0}},
		{0x2ab, 0x1f90, [4]byte{0x1f, 0x90, 0x76, 0xab}},
		{1023, 65535, [4]byte{0xff, 0xff, 0x77, 0xff}},
	} {
		var got [4]byte
		binary.NativeEndian.PutUint32(got[:], Mark(test.number, test.port))
		if got != test.want {
			t.Errorf("Mark(%d, %d) is % x in memory, want % x", test.number, test.port, got, test.want)
		}
	}
}

// A bit of difference in any of the six that are fixed makes it somebody else's.
func TestMarksOfOthers(t *testing.T) {
	magic, mask := Magic()
	for bit := range 32 {
		mark := Mark(700, 8080) ^ 1<<bit
		_, _, ours := Marked(mark)
		if want := mark&mask == magic; ours != want || want == (mask>>bit&1 == 1) {
			t.Errorf("with bit %d changed: ours is %v", bit, ours)
		}
	}
	for _, mark := range []uint32{0, 1, 0x4000, 0x8000, 0x10000, 0xca6c, 0xffffffff} { // kube-proxy's, wg-quick's and the like
		if _, _, ours := Marked(mark); ours {
			t.Errorf("mark %#x is taken for unc's", mark)
		}
	}
}
