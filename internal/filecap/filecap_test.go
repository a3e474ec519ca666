package filecap

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"unc/internal/hint"
)

// askPath in the environment has the test program print its Path.
const askPath = "UNC_FILECAP_PATH"

func TestMain(m *testing.M) {
	if os.Getenv(askPath) != "" {
		fmt.Print(Path())
		return
	}
	os.Exit(m.Run())
}

// A supervisor's file may be gone, or another's, when it starts net-setup from the one
// that it is executed from itself; what is told is a path to paste.
func TestPathOfADeletedFile(t *testing.T) {
	text, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "unc")
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name  string
		first func() error
	}{
		{"there", func() error { return nil }},
		{"deleted", func() error { return os.Remove(path) }},
		{"replaced", func() error { return os.WriteFile(path, nil, 0o700) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.first(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd()))
			cmd.Env = []string{askPath + "=1"}
			got, err := cmd.Output()
			if err != nil || string(got) != path {
				t.Errorf("got %q, %v, want %q", got, err, path)
			}
		})
	}
}

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
func TestCheckFile(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got := CheckFile()
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
