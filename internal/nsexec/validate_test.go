package nsexec

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// goodSpec is one with which nothing is wrong.
func goodSpec() *Spec {
	return &Spec{
		Rootfs: "/srv/box", Hostname: "box", Args: []string{"sh"}, Env: []string{"HOME=/root"},
		IDs: callerIs(0, 0), Capabilities: DefaultCapabilities,
	}
}

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
		{"a network that there is not", func(s *Spec) { s.Network = JoinedNetwork + 1 }, "there is no kind of network with number 4"},
		{"a negative network", func(s *Spec) { s.Network = -1 }, "there is no kind of network with number -1"},
		{"another's network", func(s *Spec) { s.Network, s.Join = JoinedNetwork, joined(s.IDs) }, ""},
		{"nobody's network", func(s *Spec) { s.Network = JoinedNetwork }, "a container that joins a network needs one to join"},
		{"two networks", func(s *Spec) { s.Join = joined(s.IDs) }, "a container that joins a network needs one to join"},
		{
			"another's network, with other ids", func(s *Spec) { s.Network, s.Join, s.IDs = JoinedNetwork, joined(s.IDs), fullMap(0) },
			"a container that joins another has the same ids",
		},
		{
			"another's network, and a way into its files",
			func(s *Spec) { s.Network, s.Join, s.Capabilities = JoinedNetwork, joined(s.IDs), AllCapabilities },
			"a container that joins another has no CAP_SYS_ADMIN: they share a user namespace, and it reaches into the mounts of all containers there",
		},
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
		{"in the working directory", func(s *Spec) { s.Workdir = "/a\x00" }, `"/a\x00" contains a zero byte`},
		{"in a source", func(s *Spec) { s.Mounts = []Mount{{Source: "/a\x00", Target: "/a"}} }, `"/a\x00" contains a zero byte`},
		{"in a target", func(s *Spec) { s.Mounts = []Mount{{Source: "/a", Target: "/a\x00"}} }, `"/a\x00" contains a zero byte`},
		{"in a size", func(s *Spec) { s.Mounts = []Mount{{Kind: Tmpfs, Target: "/a", Size: "1\x00"}} }, `"1\x00" contains a zero byte`},
		{"as many mounts as there may be", func(s *Spec) { s.Mounts = manyMounts() }, ""},
		{"one more", func(s *Spec) { s.Mounts = append(manyMounts(), Mount{Kind: Tmpfs, Target: "/a"}) }, "129 mounts are asked for, and 128 are the most"},
		{
			"a mount that is none, behind a good one", func(s *Spec) { s.Mounts = append(everyMount(), Mount{Target: "/a"}) },
			`nothing is named to be mounted on "/a"`,
		},
		{"a working directory", func(s *Spec) { s.Workdir = "/a/b" }, ""},
		{"the root to work in", func(s *Spec) { s.Workdir = "/" }, ""},
		{
			"a relative working directory", func(s *Spec) { s.Workdir = "a" },
			`can't start in "a": a path inside is absolute, without dots or double slashes`,
		},
		{
			"a working directory too deep", func(s *Spec) { s.Workdir = deep(maxDepth + 1) },
			fmt.Sprintf("can't start in %q: it is more than %d directories deep", deep(maxDepth+1), maxDepth),
		},
		{"the longest filter", func(s *Spec) { s.Filter = make([]unix.SockFilter, 4096) }, ""},
		{"a filter too long", func(s *Spec) { s.Filter = make([]unix.SockFilter, 4097) }, "the filter has 4097 instructions, and 4096 are the most (seccomp(2))"},
		{"an ambient capability", func(s *Spec) { s.Ambient = DefaultCapabilities }, ""},
		{
			"an ambient capability that nobody has", func(s *Spec) { s.Ambient = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_KILL },
			"CAP_SYS_ADMIN is to be ambient, and is none of the container's capabilities",
		},
		{"subordinate ids", func(s *Spec) { s.IDs = fullMap(0) }, ""},
		{"another user", func(s *Spec) { s.IDs, s.User = fullMap(0), User{UID: 65536, GID: 1} }, ""},
		{"the caller under another number", func(s *Spec) { s.IDs, s.User = callerIs(7, 8), User{UID: 7, GID: 8} }, ""},
		{
			"a user without an id", func(s *Spec) { s.User.UID = 1 },
			"there is no uid 1 with gid 0 in the container",
		},
		{
			"a group without an id", func(s *Spec) { s.IDs, s.User = fullMap(0), User{UID: 1, GID: 65537} },
			"there is no uid 1 with gid 65537 in the container",
		},
		{
			"root, where only another number is", func(s *Spec) { s.IDs = callerIs(1000, 1000) },
			"there is no uid 0 with gid 0 in the container",
		},
		{
			"no ids", func(s *Spec) { s.IDs = idmap.Map{} },
			fmt.Sprintf("uid %d, the caller's, is none of the container's", os.Geteuid()),
		},
		{
			"somebody else's ids", func(s *Spec) { s.IDs = idmap.Single(uint32(os.Geteuid())+1, uint32(os.Getegid()), 0, 0) },
			fmt.Sprintf("uid %d, the caller's, is none of the container's", os.Geteuid()),
		},
		{
			"another group's", func(s *Spec) { s.IDs = idmap.Single(uint32(os.Geteuid()), uint32(os.Getegid())+1, 0, 0) },
			fmt.Sprintf("gid %d, the caller's, is none of the container's", os.Getegid()),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := goodSpec()
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
	got := goodSpec().validate()
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
	got := goodSpec().validate()
	if err := unix.Dup3(saved, 0, 0); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(got, unix.EBADF) {
		t.Errorf("got error %v, want %v", got, unix.EBADF)
	}
}
