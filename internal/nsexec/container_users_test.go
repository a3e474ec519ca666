package nsexec

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// subIDsVariable has a file that is subuid(5) and subgid(5) for a test that runs once
// more, with mounts of its own.
const subIDsVariable = "UNC_NSEXEC_SUBIDS"

// withSubIDs runs the rest of a test where the caller has the ids of fullMap. Who may
// arrange that is root.
func withSubIDs(t *testing.T, rest func(t *testing.T)) {
	if file := os.Getenv(subIDsVariable); file != "" {
		err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		for _, name := range []string{"/etc/subuid", "/etc/subgid"} {
			if err == nil {
				err = unix.Mount(file, name, "", unix.MS_BIND, "")
			}
		}
		if err != nil {
			tier.Skip(t, "mounting other subordinate ids: %v", err)
		}
		rest(t)
		return
	}
	if os.Getuid() != 0 || tier.Is("userns") {
		t.Skip("other users take the machine's root")
	}
	if _, err := exec.LookPath("newuidmap"); err != nil {
		tier.Skip(t, "other users take newuidmap: %v", err)
	}
	file := filepath.Join(t.TempDir(), "subids")
	write(t, file, "0:200000:65537\n")
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1m")
	again.Env = append(os.Environ(), subIDsVariable+"="+file)
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	out, err := again.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("with other subordinate ids: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
}

// anybodysDir is keepsResult for a user of whom nothing is known.
func anybodysDir(t *testing.T) (string, func(*Spec)) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir, func(s *Spec) { s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir}) }
}

func TestOtherUsers(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		raw := Capabilities(1 << unix.CAP_NET_RAW)
		all := DefaultCapabilities
		ids := func(uid, gid, groups string, capabilities map[string]string) map[string]string {
			four := func(id string) string { return strings.Join([]string{id, id, id, id}, " ") }
			capabilities["Uid"], capabilities["Gid"], capabilities["Groups"] = four(uid), four(gid), groups
			return capabilities
		}
		for _, test := range []struct {
			name   string
			change func(*Spec)
			self   map[string]string
			owner  uint32 // of what the command makes, outside
			dies   unix.Signal
		}{
			{
				"root", func(s *Spec) { s.User.Groups = []uint32{} },
				ids("0", "0", "", capabilityStatus(0, all, all, all, 0)), 0, 0,
			},
			{
				"another", func(s *Spec) { s.User = User{UID: 33, GID: 34, Groups: []uint32{35, 36}} },
				ids("33", "34", "35 36", capabilityStatus(0, 0, 0, all, 0)), 200032, 0,
			},
			{
				"another, no capabilities", func(s *Spec) { s.User, s.Capabilities = User{UID: 33, GID: 34, Groups: []uint32{}}, 0 },
				ids("33", "34", "", capabilityStatus(0, 0, 0, 0, 0)), 200032, 0,
			},
			{
				"another, no init", func(s *Spec) { s.User, s.NoInit = User{UID: 33, GID: 34, Groups: []uint32{}}, true },
				ids("33", "34", "", capabilityStatus(0, 0, 0, all, 0)), 200032, unix.SIGKILL,
			},
			{
				"ambient, no init", func(s *Spec) {
					s.User, s.NoInit, s.Ambient = User{UID: 33, GID: 34, Groups: []uint32{}}, true, raw
				},
				ids("33", "34", "", capabilityStatus(raw, raw, raw, all, raw)), 200032, unix.SIGKILL,
			},
			{
				"root, no init", func(s *Spec) { s.NoInit, s.User.Groups = true, []uint32{} },
				ids("0", "0", "", capabilityStatus(0, all, all, all, 0)), 0, unix.SIGKILL,
			},
			{
				"the caller under his own number", func(s *Spec) {
					s.IDs, s.User = fullMap(1000), User{UID: 1000, GID: 1000, Groups: []uint32{}}
				},
				ids("1000", "1000", "", capabilityStatus(0, 0, 0, all, 0)), 0, 0,
			},
			{
				"root beside him", func(s *Spec) { s.IDs, s.User = fullMap(1000), User{Groups: []uint32{}} },
				ids("0", "0", "", capabilityStatus(0, all, all, all, 0)), 200000, 0,
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				dir, result := anybodysDir(t)
				var got survey
				newBox(t, "survey", result, func(s *Spec) { s.IDs = fullMap(0) }, test.change).finish(t, &got)
				if diff := cmp.Diff(test.self, pick(got.Self, test.self)); diff != "" {
					t.Errorf("the command (-want +got):\n%s", diff)
				}
				var st unix.Stat_t
				if err := unix.Stat(filepath.Join(dir, newFile), &st); err != nil || st.Uid != test.owner {
					t.Errorf("got a file of uid %d, %v, want %d", st.Uid, err, test.owner)
				}
				if got.DeathSignal != test.dies {
					t.Errorf("got signal %d at the supervisor's death, want %d", got.DeathSignal, test.dies)
				}
			})
		}
	})
}

// pid 1 passes signals on to a user who is not its own.
func TestSignalsPassToOtherUsers(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		for _, noInit := range []bool{false, true} {
			t.Run(map[bool]string{false: "through pid 1", true: "no init"}[noInit], func(t *testing.T) {
				dir, result := anybodysDir(t)
				b := newBox(t, "signal", result, func(s *Spec) {
					s.IDs, s.User, s.Capabilities, s.NoInit = fullMap(0), User{UID: 33, GID: 34}, 0, noInit
				})
				awaitReady(t, dir, func() { b.release(t) })
				if err := b.Signal(unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
				if got := b.end(t); got != goodCode {
					t.Errorf("got exit code %d, want %d", got, goodCode)
				}
			})
		}
	})
}

func TestUnshareWithSubordinateIDs(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		result := filepath.Join(t.TempDir(), "result")
		c := unshare(t, fullMap(0), []string{"/proc/self/exe"}, "", childVariable+"=who", resultVariable+"="+result)
		if err := c.Started(); err != nil {
			t.Fatal(err)
		}
		if code, err := c.Wait(); err != nil || code != goodCode {
			t.Fatalf("got exit code %d, %v, want %d", code, err, goodCode)
		}
		var got identity
		load(t, result, &got)
		if diff := cmp.Diff([][]string{{"0", "0", "1"}, {"1", "200000", "65536"}}, got.UIDs); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	})
}

// Ids that nobody has given to the caller are not to be had, and the container goes.
func TestIDsThatAreRefused(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		ids := fullMap(0)
		ids.UIDs[1].Outside += 2 // the last of them is the first of nobody's
		spec := &Spec{Rootfs: tree(t), Hostname: "box", Args: []string{"sh"}, IDs: ids, Capabilities: DefaultCapabilities}
		c, err := Start(spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Ready(); !strings.HasPrefix(errText(err), "mapping user ids with ") {
			t.Errorf("got error %q, want why there are no user ids", errText(err))
		}
		if err := c.Abort(); err != nil {
			t.Error(err)
		}
		if _, err := Unshare(ids, []string{"sh"}, nil, "/bin"); !strings.HasPrefix(errText(err), "mapping user ids with ") {
			t.Errorf("Unshare: got error %q, want why there are no user ids", errText(err))
		}
	})
}
