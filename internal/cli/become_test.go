package cli

import (
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"

	"unc/internal/hint"
)

func TestParseID(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       int // 0: refused
	}{
		{"an ordinary one", "1000", 1000},
		{"the first", "1", 1},
		{"the largest", "4294967294", 4294967294},
		{"root", "0", 0},
		{"root, spelled otherwise", "000", 0},
		{"unchanged, to setresuid", "4294967295", 0},
		{"negative", "-1", 0},
		{"plus sign", "+1000", 0},
		{"root again, in 32 bits", "4294967296", 0},
		{"empty", "", 0},
		{"a name", "alice", 0},
		{"spaces", " 1000", 0},
		{"hexadecimal", "0x3e8", 0},
		{"fraction", "1000.0", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseID(test.text)
			if got != test.want || (err != nil) != (test.want == 0) {
				t.Errorf("got %v, %v, want %v, an error: %v", got, err, test.want, test.want == 0)
			}
		})
	}
}

func TestSudoUser(t *testing.T) {
	for _, test := range []struct {
		name     string
		uid, gid string
		wantUID  int
		wantGID  int
		wantName string
		refused  bool
	}{
		{name: "nobody called sudo"},
		{name: "root called sudo", uid: "0", gid: "0"},
		{name: "a user without a name", uid: "4000000001", gid: "4000000002", wantUID: 4000000001, wantGID: 4000000002, wantName: "4000000001"},
		{name: "a user in root's group", uid: "1000", gid: "0", refused: true},
		{name: "no group", uid: "1000", refused: true},
		{name: "root, spelled otherwise", uid: "00", gid: "1000", refused: true},
		{name: "nonsense", uid: "-1", gid: "1000", refused: true},
		{name: "unchanged, to setresuid", uid: "4294967295", gid: "1000", refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("SUDO_UID", test.uid)
			t.Setenv("SUDO_GID", test.gid)
			uid, gid, name, err := sudoUser()
			if uid != test.wantUID || gid != test.wantGID || name != test.wantName || (err != nil) != test.refused {
				t.Errorf("got %d, %d, %q, %v, want %d, %d, %q, an error: %v",
					uid, gid, name, err, test.wantUID, test.wantGID, test.wantName, test.refused)
			}
		})
	}
}

func TestSudoUserIsNamed(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("looking up a user that is nearly everywhere: %v", err)
	}
	t.Setenv("SUDO_UID", nobody.Uid)
	t.Setenv("SUDO_GID", nobody.Gid)
	if uid, _, name, err := sudoUser(); strconv.Itoa(uid) != nobody.Uid || name != "nobody" || err != nil {
		t.Errorf("got %d, %q, %v, want %s, nobody", uid, name, err, nobody.Uid)
	}
}

func TestLookup(t *testing.T) {
	for _, test := range []struct {
		name, user, want string
		hinted           bool
	}{
		{"root", "root", `user "root" has uid 0 and gid 0, which can't be used`, false},
		{"nobody has it", "no such user", `unc runs nothing as root, and there is no system user "no such user" to become`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			uid, gid, err := lookup(test.user)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %d, %d, %v, want error %q", uid, gid, err, test.want)
			}
			if hinted := len(hint.Of(err)) > 0; hinted != test.hinted {
				t.Errorf("got hints %q, want some: %v", hint.Of(err), test.hinted)
			}
		})
	}
}

// Who is not root is left alone, whatever the environment says.
func TestLeaveRootLeavesUsers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("this test is about other users than root")
	}
	t.Setenv("SUDO_UID", "1")
	t.Setenv("SUDO_GID", "nonsense")
	if err := leaveRoot(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

// Errors about the environment quote it, so that nothing in it looks like ours.
func TestSudoUserQuotes(t *testing.T) {
	t.Setenv("SUDO_UID", "1\n2")
	t.Setenv("SUDO_GID", "1")
	if _, _, _, err := sudoUser(); err == nil || !strings.Contains(err.Error(), `"1\n2"`) {
		t.Errorf("got %v, want the value quoted", err)
	}
}
