package nsexec

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// Some tests start a container. Its command is the test binary once more, in a
// root file system with nothing else in it; it looks around and leaves what it
// has seen in a file.
const (
	childVariable = "UNC_NSEXEC_TEST"

	// resultVariable is where the command leaves what it has seen.
	resultVariable = "UNC_NSEXEC_RESULT"
	resultFile     = "/result"
	// resultDir is a place for it where the rootfs is not written to.
	resultDir = "/out"

	// With -race, the race detector has programs wait for a second before they end.
	noRaceSleep = "GORACE=atexit_sleep_ms=0"
)

var childActions = map[string]func() error{
	"probe":   childProbes,
	"look":    childLooks,
	"ask":     childAsks,
	"loosen":  func() error { return json.NewEncoder(os.Stdout).Encode(loosen()) },
	"survey":  childSurveys,
	"signal":  childIsSignalled,
	"who":     childTellsWhoItIs,
	"limits":  childReadsLimits,
	"reside":  childResides,
	"serve":   childServes,
	"attack":  childAttacks,
	"dwell":   childDwells,
	"nest":    childNests,
	"join":    childJoins,
	"wait":    childWaits,
	"exit":    childExits,
	"tell":    childTells,
	"count":   childCounts,
	"besiege": childBesieges,
	"orphan":  childLeavesAnOrphan,
	"kill":    childKills,
	"reopen":  childReopens,
	"reap":    childReaps,
	"dead":    childTakesDead,

	"processes": childListsProcesses,
	"terminal":  childAtTerminal,
	"terminals": childTakesTerminals,
}

func TestMain(m *testing.M) {
	name, asked := os.LookupEnv(childVariable)
	if !asked {
		os.Exit(m.Run())
	}
	if err := childActions[name](); err != nil {
		os.Stderr.WriteString(name + ": " + err.Error() + "\n")
		os.Exit(1)
	}
}

// ownUserns is for a process that is root in a user namespace of its own, with mounts of its own.
func ownUserns() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}

// childProbes does a first thing that takes the rights of a namespace's owner.
func childProbes() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

// needContainers skips a test where nobody can make one.
func needContainers(t *testing.T) {
	t.Helper()
	probe := exec.Command("/proc/self/exe")
	probe.Env = []string{childVariable + "=probe", noRaceSleep}
	probe.SysProcAttr = ownUserns()
	if out, err := probe.CombinedOutput(); err != nil {
		const why = "a test that starts a container takes a user namespace: %v %s"
		if tier.Is("userns") || os.Getuid() == 0 {
			tier.Skip(t, why, err, out)
		}
		t.Skipf(why, err, out)
	}
}

// box is a container that is ready and not released.
type box struct {
	*Child
	*Handles
	root   string
	result string // a file of the host's
	ended  bool
}

// newBox makes one in which the test binary is to do the action.
func newBox(t *testing.T, action string, changes ...func(*Spec)) *box {
	t.Helper()
	needContainers(t)
	b := &box{root: t.TempDir()}
	copyExecutable(t, filepath.Join(b.root, "test"))
	b.result = filepath.Join(b.root, resultFile)
	spec := &Spec{
		Rootfs: b.root, Hostname: "box", Args: []string{"/test"}, IDs: callerIs(0, 0), Capabilities: DefaultCapabilities,
	}
	for _, change := range changes {
		change(spec)
	}
	inside := resultFile
	for _, m := range spec.Mounts {
		if m.Target == resultDir {
			b.result, inside = filepath.Join(m.Source, resultFile), resultDir+resultFile
		}
	}
	spec.Env = []string{childVariable + "=" + action, resultVariable + "=" + inside, noRaceSleep}
	var err error
	if b.Child, err = Start(spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.ended {
			return
		}
		if err := b.Abort(); err != nil {
			t.Error(err)
		}
	})
	if b.Handles, err = b.Ready(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range b.files() {
			if f != nil {
				f.Close()
			}
		}
	})
	return b
}

func (b *box) files() []*os.File {
	return []*os.File{
		b.Route, b.DNSPacket, b.DNSStream, b.OrphanRetries, b.Root, b.Pts, b.Hosts, b.Resolv, b.Hostname, b.Terminal,
	}
}

func copyExecutable(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

// keepsResult gives the command a directory of the host's for its result.
func keepsResult(t *testing.T) func(*Spec) {
	dir := t.TempDir()
	return func(s *Spec) { s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir}) }
}

// run lets the container go, and returns what its command has seen.
func (b *box) run(t *testing.T) (s seen) {
	t.Helper()
	b.finish(t, &s)
	return s
}

// finish lets the container go, and takes in what its command has left.
func (b *box) finish(t *testing.T, result any) {
	t.Helper()
	b.release(t)
	if code := b.end(t); code != 0 {
		t.Fatalf("got exit code %d from the command, want 0", code)
	}
	load(t, b.result, result)
}

// release returns when the command runs.
func (b *box) release(t *testing.T) {
	t.Helper()
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if err := b.Started(); errors.Is(err, ErrNotFound) {
		b.end(t)
		tier.Skip(t, "this test was built with cgo and needs libraries; CGO_ENABLED=0 runs it: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func (b *box) end(t *testing.T) int {
	t.Helper()
	b.ended = true
	code, err := b.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// save leaves what a command has seen where its test looks for it.
func save(result any) error {
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return os.WriteFile(os.Getenv(resultVariable), text, 0o644)
}

func load(t *testing.T, path string, result any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, result)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fieldsOf reads a file of /proc, a line of fields each; one that this kernel lacks is empty.
func fieldsOf(path string) (lines [][]string) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

func inode(path string) (uint64, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st.Ino, err
}
