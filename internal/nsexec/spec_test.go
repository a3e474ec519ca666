package nsexec

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"good", func(*Spec) {}, ""},
		{"the longest hostname", func(s *Spec) { s.Hostname = strings.Repeat("h", 64) }, ""},
		{"no rootfs, no environment", func(s *Spec) { s.Rootfs, s.Env = "", nil }, ""},
		{"an empty argument", func(s *Spec) { s.Args = []string{"sh", ""} }, ""},
		{"no network", func(s *Spec) { s.Network = NoNetwork }, ""},
		{"the host's network", func(s *Spec) { s.Network = HostNetwork }, ""},
		{"a network that there is not", func(s *Spec) { s.Network = HostNetwork + 1 }, "there is no kind of network with number 3"},
		{"a negative network", func(s *Spec) { s.Network = -1 }, "there is no kind of network with number -1"},
		{"no command", func(s *Spec) { s.Args = nil }, "there is no command to run"},
		{"an empty command", func(s *Spec) { s.Args = []string{""} }, "there is no command to run"},
		{"no hostname", func(s *Spec) { s.Hostname = "" }, `the hostname "" is not 1 to 64 bytes long`},
		{
			"a hostname too long", func(s *Spec) { s.Hostname = strings.Repeat("h", 65) },
			fmt.Sprintf("the hostname %q is not 1 to 64 bytes long", strings.Repeat("h", 65)),
		},
		{
			"a hostname that is two lines", func(s *Spec) { s.Hostname = "box\n10.0.0.1" },
			`the hostname "box\n10.0.0.1" is not made of letters, digits, dots and dashes (hostname(7))`,
		},
		{
			"a hostname like a flag", func(s *Spec) { s.Hostname = "-box" },
			`the hostname "-box" is not made of letters, digits, dots and dashes (hostname(7))`,
		},
		{"zero byte in the command", func(s *Spec) { s.Args = []string{"s\x00h"} }, `"s\x00h" contains a zero byte`},
		{"in an argument", func(s *Spec) { s.Args = []string{"sh", "\x00"} }, `"\x00" contains a zero byte`},
		{"in the environment", func(s *Spec) { s.Env = []string{"A=\x00"} }, `"A=\x00" contains a zero byte`},
		{"in the rootfs", func(s *Spec) { s.Rootfs = "/srv\x00" }, `"/srv\x00" contains a zero byte`},
		{"in the hostname", func(s *Spec) { s.Hostname = "box\x00" }, `"box\x00" contains a zero byte`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &Spec{Rootfs: "/srv/box", Hostname: "box", Args: []string{"sh"}, Env: []string{"HOME=/root"}}
			test.change(s)
			err := s.validate()
			if got := errText(err); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Through a directory on one of them the command could walk the host's files.
func TestValidateRefusesDirectories(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(saved)
	if err := unix.Dup3(int(dir.Fd()), 0, 0); err != nil {
		t.Fatal(err)
	}
	got := (&Spec{Hostname: "box", Args: []string{"sh"}}).validate()
	if err := unix.Dup3(saved, 0, 0); err != nil {
		t.Fatal(err)
	}
	want := "descriptor 0 is a directory of the host, which can't be passed into a container"
	if errText(got) != want {
		t.Errorf("got error %v, want %q", got, want)
	}
}

func TestValidateRefusesClosed(t *testing.T) {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(saved)
	if err := unix.Close(0); err != nil {
		t.Fatal(err)
	}
	got := (&Spec{Hostname: "box", Args: []string{"sh"}}).validate()
	if err := unix.Dup3(saved, 0, 0); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(got, unix.EBADF) {
		t.Errorf("got error %v, want %v", got, unix.EBADF)
	}
}

func TestWantsTerminal(t *testing.T) {
	for _, test := range []struct {
		terminal [3]bool
		want     bool
	}{
		{[3]bool{}, false},
		{[3]bool{true, true, true}, true},
		{[3]bool{2: true}, true},
	} {
		t.Run(fmt.Sprint(test.terminal), func(t *testing.T) {
			if got := (&Spec{Terminal: test.terminal}).wantsTerminal(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
