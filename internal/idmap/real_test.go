package idmap

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// etc is what a test has in /etc.
type etc map[string]string

// ownEtc puts the calling test into a mount namespace of its own with that /etc. The
// test keeps its thread, which ends with it; nothing is changed for anybody else.
func ownEtc(t *testing.T, files etc) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a test with an /etc of its own takes root")
	}
	if _, err := findHelpers(helperDirs()); err != nil {
		tier.Skip(t, "%v", err)
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		tier.Skip(t, "no mount namespace can be made: %v", err)
	}
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("tmpfs", "/etc", "tmpfs", unix.MS_NOSUID, "mode=755"))
	for name, text := range files {
		must(os.WriteFile(filepath.Join("/etc", name), []byte(text), 0o644))
	}
}

// ask has the child act as the user, in the mount namespace of the test.
func ask(t *testing.T, r request) (a answer) {
	t.Helper()
	text, err := json.Marshal(r)
	must(err)
	self, err := os.Open("/proc/self/exe") // which may lie where the user can't reach it
	must(err)
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{self}
	// Built with -race, it would else wait a second for the races of its end.
	cmd.Env = []string{requestVariable + "=" + string(text), "PATH=/nowhere", "GORACE=atexit_sleep_ms=0"}
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: realUID, Gid: realGID}}
	out, err := cmd.StdoutPipe()
	must(err)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting the child: %v", err)
	}
	said, err := io.ReadAll(out)
	must(err)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the child: %v", err)
	}
	if err := json.Unmarshal(said, &a); err != nil {
		t.Fatalf("the child said %q: %v", said, err)
	}
	return a
}

const (
	realPasswd = "root:x:0:0:root:/root:/bin/sh\nsomebody:x:61003:61004::/:/bin/sh\n"
	realLines  = "somebody:100000:65536\n"
)

func TestReal(t *testing.T) {
	for _, test := range []struct {
		name string
		etc  etc
		ask  request
		want answer // of which Map is not compared
	}{
		{
			"root",
			etc{"passwd": realPasswd, "subuid": realLines, "subgid": "somebody:200000:65536\n"},
			request{},
			answer{UIDMap: "0 61003 1 1 100000 65536", GIDMap: "0 61004 1 1 200000 65536", SetGroups: "allow"},
		},
		{
			"oneself",
			etc{"passwd": realPasswd, "subuid": realLines, "subgid": realLines},
			request{InsideUID: realUID, InsideGID: realGID},
			answer{
				UIDMap: "61003 61003 1 0 100000 61003 61004 161003 4533", GIDMap: "61004 61004 1 0 100000 61004 61005 161004 4532",
				SetGroups: "allow",
			},
		},
		{
			"several lines, by name and by number",
			etc{
				"passwd": realPasswd,
				"subuid": "other:1:1\nsomebody:500000:10\n61003:100000:65536\n61003:500005:10\n", "subgid": realLines,
			},
			request{},
			answer{
				UIDMap: "0 61003 1 1 500000 10 11 100000 65536 65547 500010 5", GIDMap: "0 61004 1 1 100000 65536",
				SetGroups: "allow",
			},
		},
		{
			"no lines",
			etc{"passwd": realPasswd, "subuid": "other:100000:65536\n", "subgid": "other:100000:65536\n"},
			request{},
			answer{
				None:  `no subordinate ids: /etc/subuid gives none to user "somebody"`,
				Hints: []string{"sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 somebody"},
			},
		},
		{
			"no_new_privs",
			etc{"passwd": realPasswd, "subuid": realLines, "subgid": realLines},
			request{NoNewPrivs: true},
			answer{None: "no subordinate ids: no_new_privs is set, and newuidmap would get no privilege"},
		},
		{
			"ids of somebody else",
			etc{"passwd": realPasswd, "subuid": realLines, "subgid": realLines},
			request{Forged: &Map{[]Range{{0, 61003, 1}, {1, 5, 1}}, []Range{{0, 61004, 1}, {1, 100000, 5}}}},
			answer{
				Failed: `mapping user ids with "/usr/bin/newuidmap": uid range [1-2) -> [5-6) not allowed`,
				GIDMap: "0 61004 1 1 100000 5", SetGroups: "allow",
			},
		},
		{
			"groups of somebody else",
			etc{"passwd": realPasswd, "subuid": realLines, "subgid": realLines},
			request{Forged: &Map{[]Range{{0, 61003, 1}, {1, 100000, 5}}, []Range{{0, 61004, 1}, {1, 5, 1}}}},
			answer{
				Failed: `mapping group ids with "/usr/bin/newgidmap": gid range [1-2) -> [5-6) not allowed`,
				UIDMap: "0 61003 1 1 100000 5", SetGroups: "allow",
			},
		},
		{
			"a user without a name",
			etc{"passwd": "root:x:0:0:root:/root:/bin/sh\n", "subuid": "61003:100000:5\n", "subgid": "61003:100000:5\n"},
			request{},
			answer{Failed: `mapping user ids with "/usr/bin/newuidmap": Cannot determine your user name`, SetGroups: "allow"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ownEtc(t, test.etc)
			got := ask(t, test.ask)
			got.Map = Map{}
			// Which of the directories they are in is the distribution's.
			if found, err := findHelpers(helperDirs()); err == nil {
				got.Failed = strings.ReplaceAll(got.Failed, filepath.Dir(found.newuidmap), "/usr/bin")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
