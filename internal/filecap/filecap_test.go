package filecap

import (
	"os"
	"strings"
	"testing"

	"unc/internal/hint"
)

func TestPermits(t *testing.T) {
	for _, test := range []struct {
		name string
		data string
		want bool
	}{
		{"cap_net_admin+ep", "\x01\x00\x00\x02\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", true},
		{"with others", "\x00\x00\x00\x02\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", true},
		{"of a namespace's root", "\x01\x00\x00\x03\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe8\x03\x00\x00", true},
		{"cap_net_raw", "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", false},
		{"inheritable only", "\x00\x00\x00\x02\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", false},
		{"cut off", "\x01\x00\x00\x02\x00\x10", false},
		{"nothing", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := permits([]byte(test.data)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// The test program has no capability on its file, wherever it is.
func TestOnFile(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got := OnFile()
	if got == nil || !strings.Contains(got.Error(), self) {
		t.Fatalf("got %v, want an error about %q", got, self)
	}
	if want := "sudo setcap cap_net_admin+ep " + self; len(hint.Of(got)) != 1 || hint.Of(got)[0] != want {
		t.Errorf("got hints %q, want %q", hint.Of(got), want)
	}
	if why := Why(); why.Error() != got.Error() {
		t.Errorf("got %v, want the first of all reasons, %v", why, got)
	}
}
