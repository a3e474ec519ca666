package idmap

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
)

const initial = "         0          0 4294967295\n"

// machine is a system as the files say, on which all else is as it should be.
type machine struct {
	subuid, subgid string // no file when empty
	uidMap, gidMap string // those of the initial namespace when empty
	user           *user.User
	helpers        error
}

func (m machine) system(t *testing.T) *system {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	if m.uidMap == "" {
		m.uidMap = initial
	}
	if m.gidMap == "" {
		m.gidMap = initial
	}
	return &system{
		helpers: func() (helpers, error) { return helpers{}, m.helpers },
		subuid:  write("subuid", m.subuid), subgid: write("subgid", m.subgid),
		uidMap: write("uid_map", m.uidMap), gidMap: write("gid_map", m.gidMap),
		user: func(uid string) (*user.User, error) {
			if m.user == nil {
				return nil, user.UnknownUserIdError(1000)
			}
			if uid != m.user.Uid {
				t.Errorf("asked for uid %v, want %v", uid, m.user.Uid)
			}
			return m.user, nil
		},
	}
}

var alice = &user.User{Uid: "1000", Gid: "100", Username: "alice"}

func TestSubordinate(t *testing.T) {
	for _, test := range []struct {
		name    string
		machine machine
		uid     uint32 // inside
		gid     uint32
		want    Map
	}{
		{
			"root",
			machine{subuid: "alice:100000:65536\n", subgid: "alice:200000:65536\n", user: alice},
			0, 0,
			Map{[]Range{{0, 1000, 1}, {1, 100000, 65536}}, []Range{{0, 100, 1}, {1, 200000, 65536}}},
		},
		{
			"oneself",
			machine{subuid: "alice:100000:65536\n", subgid: "alice:200000:65536\n", user: alice},
			1000, 100,
			Map{
				[]Range{{1000, 1000, 1}, {0, 100000, 1000}, {1001, 101000, 64536}},
				[]Range{{100, 100, 1}, {0, 200000, 100}, {101, 200100, 65436}},
			},
		},
		{
			"a user of a directory service, by number",
			machine{subuid: "1000:100000:5\n", subgid: "1000:200000:5\n"},
			0, 0,
			Map{[]Range{{0, 1000, 1}, {1, 100000, 5}}, []Range{{0, 100, 1}, {1, 200000, 5}}},
		},
		{
			"subgid(5) goes by the user, not by his group",
			machine{subuid: "1000:100000:5\n", subgid: "100:300000:5\n1000:200000:5\n", user: alice},
			0, 0,
			Map{[]Range{{0, 1000, 1}, {1, 100000, 5}}, []Range{{0, 100, 1}, {1, 200000, 5}}},
		},
		{
			"one's own ids are not subordinate",
			machine{subuid: "alice:1000:2\n", subgid: "alice:100:2\n", user: alice},
			0, 0,
			Map{[]Range{{0, 1000, 1}, {1, 1001, 1}}, []Range{{0, 100, 1}, {1, 101, 1}}},
		},
		{
			"in a container that has them",
			machine{
				subuid: "alice:100000:5\n", subgid: "alice:100000:5\n", user: alice,
				uidMap: "0 1 65536\n65536 100000 65536\n", gidMap: "0 1 100002\n100002 200000 3\n",
			},
			0, 0,
			Map{[]Range{{0, 1000, 1}, {1, 100000, 5}}, []Range{{0, 100, 1}, {1, 100000, 5}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.machine.system(t).subordinate(1000, 100, test.uid, test.gid)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("map (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoSubordinate(t *testing.T) {
	const lines = "alice:100000:65536\n"
	for _, test := range []struct {
		name    string
		machine machine
		want    string // with the directory of the files left out
		hints   []string
	}{
		{
			"no newuidmap",
			machine{subuid: lines, subgid: lines, user: alice, helpers: errors.New("newuidmap is not installed")},
			"newuidmap is not installed", nil,
		},
		{
			"no line",
			machine{subuid: "bob:100000:65536\n", subgid: lines, user: alice},
			`subuid gives none to user "alice"`,
			[]string{"sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice"},
		},
		{
			"none for groups",
			machine{subuid: lines, subgid: "bob:300000:65536\n", user: alice},
			`subgid gives none to user "alice"`,
			[]string{"sudo usermod --add-subuids 365536-431071 --add-subgids 365536-431071 alice"},
		},
		{
			"no file",
			machine{user: alice},
			`opening "subuid": no such file or directory`,
			[]string{"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice"},
		},
		{
			"a name that is no word",
			machine{subuid: "bob:1:1\n", user: &user.User{Uid: "1000", Gid: "100", Username: "a; reboot"}},
			`subuid gives none to user "a; reboot"`,
			[]string{"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 'a; reboot'"},
		},
		{
			"a user whom only a directory service knows",
			machine{subuid: "bob:1:1\n", subgid: lines},
			"subuid gives none to uid 1000",
			[]string{"echo 1000:165536:65536 | sudo tee -a subuid subgid"},
		},
		{
			"none left",
			machine{subuid: "bob:4294967294:1\n", subgid: lines, user: alice},
			`subuid gives none to user "alice"`, nil,
		},
		{
			"in another group than the first",
			machine{subuid: lines, subgid: lines, user: &user.User{Uid: "1000", Gid: "101", Username: "alice"}},
			"the group of this process is 100, and newuidmap wants that of /etc/passwd, 101", nil,
		},
		{
			"in a container that has not these ids",
			machine{subuid: lines, subgid: lines, user: alice, uidMap: "0 0 65536\n"},
			"subuid gives 100000 to 165535, which are not all mapped in this user namespace (uid_map)", nil,
		},
		{
			"in a container that has a part of these ids",
			machine{subuid: lines, subgid: lines, user: alice, gidMap: "0 0 100001\n"},
			"subgid gives 100000 to 165535, which are not all mapped in this user namespace (gid_map)", nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.machine.system(t)
			dir := filepath.Dir(s.subuid) + "/"
			_, err := s.subordinate(1000, 100, 0, 0)
			if err == nil {
				t.Fatalf("got a map, want %q", test.want)
			}
			if got := strings.ReplaceAll(err.Error(), dir, ""); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			var hints []string
			for _, text := range hint.Of(err) {
				hints = append(hints, strings.ReplaceAll(text, dir, ""))
			}
			if diff := cmp.Diff(test.hints, hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}
