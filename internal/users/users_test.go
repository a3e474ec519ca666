package users

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

const (
	passwd = `root:x:0:0:root:/root:/bin/bash
# a comment
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin

  indented:x:7:8::/indented:
bad:x:number:5::/bad:/bin/sh
bad:x:5:number::/bad:/bin/sh
negative:x:-1:-1::/bad:
none:x:4294967295:0::/bad:
large:x:4294967294:4294967294::/large:
:x:0:0::/nameless:
short:x:30:31
shorter:x:32
homeless:x:40:41::
relative:x:42:43::home/relative:
twice:x:50:51::/first:
twice:x:52:53::/second:
alias:x:50:54::/alias:
1234:x:60:61::/digits:
postgres:x:100:110:PostgreSQL,,,:/var/lib/postgresql:/bin/bash
`
	group = `root:x:0:
daemon:x:1:
# postgres:x:2:postgres
postgres:x:110:
ssl-cert:x:104:postgres
both:x:105:daemon,postgres
both:x:105:postgres
last:x:103:daemon, postgres
notquite:x:106:postgresql,xpostgres
bad:x:number:postgres
short:x:107
4321:x:108:
`
)

// tree makes a rootfs with these files and opens it.
func tree(t *testing.T, files map[string]string) int {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return openRoot(t, dir)
}

func openRoot(t *testing.T, dir string) int {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// line is what the names of these tests are in.
const line = "unc run -u USER COMMAND"

func TestLookup(t *testing.T) {
	root := tree(t, map[string]string{"etc/passwd": passwd, "etc/group": group})
	for _, test := range []struct {
		spec string
		want User
	}{
		{"root", User{Home: "/root"}},
		{"0", User{Home: "/root"}},
		{"00", User{Home: "/root"}},
		{"daemon", User{1, 1, []uint32{103, 105}, "/usr/sbin"}},
		{"postgres", User{100, 110, []uint32{103, 104, 105}, "/var/lib/postgresql"}},
		{"100", User{100, 110, []uint32{103, 104, 105}, "/var/lib/postgresql"}},
		{"postgres:ssl-cert", User{100, 104, nil, "/var/lib/postgresql"}},
		{"postgres:7", User{100, 7, nil, "/var/lib/postgresql"}},
		{"100:daemon", User{100, 1, nil, "/var/lib/postgresql"}},
		{"100:0", User{100, 0, nil, "/var/lib/postgresql"}},
		{"4000", User{4000, 0, nil, "/"}},
		{"4000:daemon", User{4000, 1, nil, "/"}},
		{"4000:4001", User{4000, 4001, nil, "/"}},
		{"4000:4321", User{4000, 4321, nil, "/"}},
		{"1234", User{1234, 0, nil, "/"}},
		{"indented", User{7, 8, nil, "/indented"}},
		{"large", User{maxID, maxID, nil, "/large"}},
		{"4294967294", User{maxID, maxID, nil, "/large"}},
		{"short", User{30, 31, nil, "/"}},
		{"0:short", User{0, 107, nil, "/root"}},
		{"homeless", User{40, 41, nil, "/"}},
		{"relative", User{42, 43, nil, "/"}},
		{"twice", User{50, 51, nil, "/first"}},
		{"50", User{50, 51, nil, "/first"}},
		{"alias", User{50, 54, nil, "/alias"}},
		{"5", User{5, 0, nil, "/"}},
	} {
		t.Run(test.spec, func(t *testing.T) {
			got, err := Lookup(root, test.spec, line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookupRefuses(t *testing.T) {
	root := tree(t, map[string]string{"etc/passwd": passwd, "etc/group": group})
	const numbers = "unc run -u 1000:1000 COMMAND    # numbers need no entry"
	for _, test := range []struct{ spec, want, hint string }{
		{"", `the user "" is neither UID[:GID] nor NAME[:GROUP]`, ""},
		{":", `the user ":" is neither UID[:GID] nor NAME[:GROUP]`, ""},
		{":0", `the user ":0" is neither UID[:GID] nor NAME[:GROUP]`, ""},
		{"0:", `the user "0:" is neither UID[:GID] nor NAME[:GROUP]`, ""},
		{"0:0:0", `the user "0:0:0" is neither UID[:GID] nor NAME[:GROUP]`, ""},
		{"bob", `there is no user "bob" in the container's /etc/passwd`, numbers},
		{"Root", `there is no user "Root" in the container's /etc/passwd`, numbers},
		{"-1", `there is no user "-1" in the container's /etc/passwd`, numbers},
		{"bad", `there is no user "bad" in the container's /etc/passwd`, numbers},
		{"negative", `there is no user "negative" in the container's /etc/passwd`, numbers},
		{"none", `there is no user "none" in the container's /etc/passwd`, numbers},
		{"shorter", `there is no user "shorter" in the container's /etc/passwd`, numbers},
		{"# a comment", `there is no user "# a comment" in the container's /etc/passwd`, numbers},
		{"root:bob", `there is no group "bob" in the container's /etc/group`, "unc run -u UID:GID COMMAND    # numbers need no entry"},
		{"root:bad", `there is no group "bad" in the container's /etc/group`, "unc run -u UID:GID COMMAND    # numbers need no entry"},
		{"4294967295", `"4294967295" is no number of a user or group: they end with 4294967294`, ""},
		{"0:4294967295", `"4294967295" is no number of a user or group: they end with 4294967294`, ""},
		{"99999999999999999999", `"99999999999999999999" is no number of a user or group: they end with 4294967294`, ""},
	} {
		t.Run(test.spec, func(t *testing.T) {
			got, err := Lookup(root, test.spec, line)
			checkError(t, got, err, test.want)
			if got := strings.Join(hint.Of(err), "\n"); got != test.hint {
				t.Errorf("hint: got %q, want %q", got, test.hint)
			}
		})
	}
}

func checkError(t *testing.T, got User, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got %+v, want %q", got, want)
	}
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestLookupWithoutFiles(t *testing.T) {
	bare := tree(t, nil)
	noGroup := tree(t, map[string]string{"etc/passwd": passwd})
	noPasswd := tree(t, map[string]string{"etc/group": group})
	noDirectory := tree(t, map[string]string{"etc": "a file"})
	for _, test := range []struct {
		name  string
		root  int
		spec  string
		want  User
		error string
	}{
		{"a number", bare, "1000", User{1000, 0, nil, "/"}, ""},
		{"numbers", bare, "1000:1001", User{1000, 1001, nil, "/"}, ""},
		{"/etc is a file", noDirectory, "1000", User{1000, 0, nil, "/"}, ""},
		{"a name", bare, "root", User{}, `the container has no /etc/passwd to find user "root" in`},
		{"a user in no group", noGroup, "postgres", User{100, 110, nil, "/var/lib/postgresql"}, ""},
		{"a group", noGroup, "postgres:postgres", User{}, `the container has no /etc/group to find group "postgres" in`},
		{"a number and a group", noPasswd, "5:postgres", User{5, 110, nil, "/"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Lookup(test.root, test.spec, line)
			if test.error != "" {
				checkError(t, got, err, test.error)
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v, user (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestTooManyGroups(t *testing.T) {
	root := tree(t, map[string]string{"etc/passwd": passwd, "etc/group": strings.Repeat("g:x:1:daemon\n", maxGroups+1)})
	got, err := Lookup(root, "daemon", line)
	checkError(t, got, err, `the container's /etc/group lists user "daemon" in more than 65536 groups`)
}
