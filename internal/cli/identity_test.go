package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
	"unc/internal/idmap"
	"unc/internal/users"
)

// The caller of all of these tests is 1000, in group 100.
func fullMap(uid, gid, insideUID, insideGID uint32) (idmap.Map, error) {
	if insideUID == 0 {
		return idmap.Map{
			UIDs: []idmap.Range{{Inside: 0, Outside: uid, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536}},
			GIDs: []idmap.Range{{Inside: 0, Outside: gid, Count: 1}, {Inside: 1, Outside: 200000, Count: 65536}},
		}, nil
	}
	return idmap.Map{
		UIDs: []idmap.Range{{Inside: insideUID, Outside: uid, Count: 1}, {Inside: 0, Outside: 100000, Count: 1000}, {Inside: 1001, Outside: 101000, Count: 64536}},
		GIDs: []idmap.Range{{Inside: insideGID, Outside: gid, Count: 1}, {Inside: 0, Outside: 200000, Count: 100}, {Inside: 101, Outside: 200100, Count: 65436}},
	}, nil
}

func noMap(_, _, _, _ uint32) (idmap.Map, error) {
	return idmap.Map{}, hint.With(errors.New("no subordinate ids: nobody gave any"), "give some")
}

func TestChooseIDs(t *testing.T) {
	rooted, _ := fullMap(1000, 100, 0, 0)
	kept, _ := fullMap(1000, 100, 1000, 100)
	root := users.User{Home: "/root"}
	postgres := users.User{UID: 101, GID: 110, Groups: []uint32{104}}
	oneself := users.User{UID: 1000, GID: 100}
	for _, test := range []struct {
		name, userns string
		full         bool // there are subordinate ids
		asked        string
		who          users.User
		want         idmap.Map
		groups       []uint32
	}{
		{"nobody in particular", autoIDs, true, "", root, rooted, nil},
		{"root", autoIDs, true, "0", root, rooted, []uint32{}},
		{"a user", autoIDs, true, "postgres", postgres, rooted, []uint32{104}},
		{"root, alone", autoIDs, false, "0", root, idmap.Single(1000, 100, 0, 0), nil},
		{"a user, alone", autoIDs, false, "postgres", postgres, idmap.Single(1000, 100, 101, 110), nil},
		{"root, alone by choice", singleID, true, "0", root, idmap.Single(1000, 100, 0, 0), nil},
		{"a user, alone by choice", singleID, true, "postgres", postgres, idmap.Single(1000, 100, 101, 110), nil},
		{"any number, alone by choice", singleID, true, "4000000000:5", users.User{UID: 4000000000, GID: 5}, idmap.Single(1000, 100, 4000000000, 5), nil},
		{"oneself", keepID, true, "", oneself, kept, nil},
		{"another user beside oneself", keepID, true, "postgres", postgres, kept, []uint32{104}},
		{"root beside oneself", keepID, true, "0", root, kept, []uint32{}},
		{"oneself, alone", keepID, false, "", oneself, idmap.Single(1000, 100, 1000, 100), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := identityFlags{Userns: test.userns, User: test.asked}
			subordinate := noMap
			if test.full {
				subordinate = fullMap
			}
			m, why := f.choose(test.who, 1000, 100, subordinate)
			user := userIn(m, test.who, test.asked != "")
			if err := f.admit(m, user, why); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, m); diff != "" {
				t.Errorf("map (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.groups, user.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChooseIDsRefuses(t *testing.T) {
	for _, test := range []struct {
		name, userns, user string
		full               bool
		who                users.User
		want               string
		hints              []string
	}{
		{
			"a user beyond", autoIDs, "70000", true,
			users.User{UID: 70000},
			`--user "70000": user id 70000 is none of those that /etc/subuid lets this container have`,
			[]string{"unc run --userns=single -u 70000 COMMAND    # yourself, under that number"},
		},
		{
			"a group beyond", autoIDs, "0:70000", true,
			users.User{GID: 70000},
			`--user "0:70000": group id 70000 is none of those that /etc/subgid lets this container have`,
			[]string{"unc run --userns=single -u 0:70000 COMMAND    # yourself, under that number"},
		},
		{
			"a supplementary group beyond", autoIDs, "postgres", true,
			users.User{UID: 101, GID: 110, Groups: []uint32{5, 70000}},
			`--user "postgres": group id 70000 is none of those that /etc/subgid lets this container have`,
			[]string{"unc run --userns=single -u postgres COMMAND    # yourself, under that number"},
		},
		{
			"another user, alone", keepID, "root", false,
			users.User{GID: 100},
			`--user "root": with --userns=keep-id there is no user id 0, but yours alone: no subordinate ids: nobody gave any`,
			[]string{"give some", "unc run --userns=single -u root COMMAND    # yourself, under that number"},
		},
		{
			"another group, alone", keepID, "1000:5", false,
			users.User{UID: 1000, GID: 5},
			`--user "1000:5": with --userns=keep-id there is no group id 5, but yours alone: no subordinate ids: nobody gave any`,
			[]string{"give some", "unc run --userns=single -u 1000:5 COMMAND    # yourself, under that number"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := identityFlags{User: test.user, Userns: test.userns}
			subordinate := noMap
			if test.full {
				subordinate = fullMap
			}
			m, why := f.choose(test.who, 1000, 100, subordinate)
			err := f.admit(m, userIn(m, test.who, test.user != ""), why)
			if err == nil {
				t.Fatalf("got %v, want %q", m, test.want)
			}
			if err.Error() != test.want {
				t.Errorf("got %q, want %q", err, test.want)
			}
			if diff := cmp.Diff(test.hints, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWho(t *testing.T) {
	rootfs := t.TempDir()
	if err := os.Mkdir(filepath.Join(rootfs, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rootfs, "etc/passwd"), []byte("root:x:7:7::/other:\nalice:x:1000:5::/home/alice:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, userns, user string
		want               users.User
	}{
		{"nobody asked for", autoIDs, "", users.User{Home: "/root"}},
		{"nobody asked for, alone", singleID, "", users.User{Home: "/root"}},
		{"oneself", keepID, "", users.User{UID: 1000, GID: 100, Home: "/home/alice"}},
		{"a name", autoIDs, "alice", users.User{UID: 1000, GID: 5, Home: "/home/alice"}},
		{"a number", keepID, "0", users.User{Home: "/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := identityFlags{User: test.user, Userns: test.userns}
			got, err := f.who(rootfs, 1000, 100)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a rootfs the system is this machine's own, and so are its users.
func TestWhoOfThisMachine(t *testing.T) {
	f := identityFlags{User: "0"}
	got, err := f.who("", 1000, 100)
	if diff := cmp.Diff(users.User{Home: "/root"}, got); err != nil || diff != "" {
		t.Errorf("%v, user (-want +got):\n%s", err, diff)
	}
}

func TestWhoOfNoRootfs(t *testing.T) {
	f := identityFlags{User: "0"}
	missing := filepath.Join(t.TempDir(), "missing")
	want := `opening the rootfs "` + missing + `": no such file or directory`
	if got, err := f.who(missing, 1000, 100); err == nil || err.Error() != want {
		t.Errorf("got %v, %v, want %q", got, err, want)
	}
}
