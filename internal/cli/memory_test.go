package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestIsFixed(t *testing.T) {
	dir := t.TempDir()
	elf := func(kind byte) []byte {
		head := make([]byte, 64)
		copy(head, "\x7fELF\x02\x01\x01")
		head[16], head[17] = kind, kind // in either order of bytes that is none
		return head
	}
	fixed, movable := elf(0), elf(0)
	for i, b := range []byte{2, 0} { // ET_EXEC, ET_DYN is 3
		fixed[16+i], movable[16+i] = b, b
	}
	movable[16] = 3
	for _, test := range []struct {
		name string
		text []byte
		want bool
	}{
		{"linked to one address", fixed, true},
		{"position-independent", movable, false},
		{"neither", elf(9), false},
		{"cut off", fixed[:10], false},
		{"empty", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, test.name)
			if err := os.WriteFile(path, test.text, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := isFixed(path); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if isFixed(filepath.Join(dir, "nothing")) {
		t.Error("a file that there is not: got true, want false")
	}
}

func TestFileMappings(t *testing.T) {
	const maps = `00400000-00600000 r-xp 00000000 fe:00 12 /usr/local/bin/unc
00600000-00700000 r--p 00200000 fe:00 12 /usr/local/bin/unc
c000000000-c000400000 rw-p 00000000 00:00 0
7ffc00000000-7ffc00001000 r-xp 00000000 00:00 0 [vdso]
zz-00700000 r--p 00200000 fe:00 12 /usr/local/bin/unc
`
	want := []mapping{
		{0x400000, 0x600000, "r-xp", "/usr/local/bin/unc"},
		{0x600000, 0x700000, "r--p", "/usr/local/bin/unc"},
	}
	if got := fileMappings(maps); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What it lets go of comes back: the program goes on.
func TestForgetProgram(t *testing.T) {
	for range 3 {
		forgetProgram()
		if got := len(help); got == 0 || help[0].name == "" {
			t.Fatalf("got %d sentences of help", got)
		}
	}
}
