package nsexec

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// Some tests start a container. Its command is the test binary once more, in a
// root file system with nothing else in it; it looks around and leaves what it
// has seen in a file.
const (
	childVariable = "UNC_NSEXEC_TEST"
	resultFile    = "result"

	// With -race, the race detector has programs wait for a second before they end.
	noRaceSleep = "GORACE=atexit_sleep_ms=0"
)

var childActions = map[string]func() error{
	"probe":  childProbes,
	"look":   childLooks,
	"ask":    childAsks,
	"loosen": func() error { return json.NewEncoder(os.Stdout).Encode(loosen()) },
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
	root  string
	ended bool
}

// newBox makes one in which the test binary is to do the action.
func newBox(t *testing.T, action string, spec Spec) *box {
	t.Helper()
	needContainers(t)
	b := &box{root: t.TempDir()}
	copyExecutable(t, filepath.Join(b.root, "test"))
	spec.Rootfs, spec.Hostname = b.root, "box"
	spec.Args, spec.Env = []string{"/test"}, []string{childVariable + "=" + action, noRaceSleep}
	var err error
	if b.Child, err = Start(&spec); err != nil {
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
	return []*os.File{b.Route, b.DNSPacket, b.DNSStream, b.Hosts, b.Resolv, b.Hostname, b.Terminal}
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

// run lets the container go, and returns what its command has seen.
func (b *box) run(t *testing.T) (s seen) {
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
	if code := b.end(t); code != 0 {
		t.Fatalf("got exit code %d from the command, want 0", code)
	}
	text, err := os.ReadFile(filepath.Join(b.root, resultFile))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
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

// seen is what a command can see and do in a container.
type seen struct {
	Netns   uint64   // the number of its network namespace
	Links   []string // network interfaces that are up
	Bound   []string // addresses of sockets, as /proc/net has them
	Sys     []mount  // what is mounted on and in /sys
	Names   []string // of files and directories in what of /sys is hidden
	Loosens []string // ways that lead to a writable or uncovered /sys
	Answers []string // from DNSAddress
}

type mount struct{ At, Type, Options string }

func (s *seen) save() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile("/"+resultFile, text, 0o644)
}

func childLooks() (err error) {
	var s seen
	if s.Netns, err = inode("/proc/self/ns/net"); err != nil {
		return err
	}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Flags&net.FlagUp != 0 {
			s.Links = append(s.Links, link.Name)
		}
	}
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6"} {
		for _, fields := range table("/proc/net/" + protocol) {
			if fields[0] != "sl" && len(fields) > 1 {
				s.Bound = append(s.Bound, protocol+" "+fields[1])
			}
		}
	}
	for _, fields := range table("/proc/self/mountinfo") {
		if at := fields[4]; at == "/sys" || strings.HasPrefix(at, "/sys/") {
			rest := fields[6:]
			for rest[0] != "-" {
				rest = rest[1:]
			}
			s.Sys = append(s.Sys, mount{at, rest[1], fields[5]})
		}
	}
	for _, dir := range slices.Concat(sysNoDir, sysMounted) {
		entries, _ := os.ReadDir("/sys/" + dir)
		for _, e := range entries {
			s.Names = append(s.Names, dir+"/"+e.Name())
		}
	}
	s.Loosens = loosen()
	// Once more with all capabilities, over what is a copy of the mounts. Where no
	// user namespace can be made in here, this is no way either.
	nested := exec.Command("/proc/self/exe")
	nested.Env = []string{childVariable + "=loosen", noRaceSleep}
	nested.SysProcAttr = ownUserns()
	if out, err := nested.Output(); err == nil {
		var more []string
		if err := json.Unmarshal(out, &more); err != nil {
			return err
		}
		for _, way := range more {
			s.Loosens = append(s.Loosens, "nested: "+way)
		}
	}
	return s.save()
}

// loosen tries to get at the host through /sys, and returns what worked.
func loosen() (worked []string) {
	writable := &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"mount_setattr of all", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys", unix.AT_RECURSIVE, writable) }},
		{"mount_setattr", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys", 0, writable) }},
		{"mount_setattr of the control groups", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys/fs/cgroup", 0, writable) }},
		{"remounting the mount", func() error { return unix.Mount("", "/sys", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
		{"remounting the filesystem", func() error { return unix.Mount("", "/sys", "", unix.MS_REMOUNT, "") }},
		{"uncovering", func() error { return unix.Unmount("/sys/firmware", unix.MNT_DETACH) }},
		{"unmounting", func() error { return unix.Unmount("/sys", unix.MNT_DETACH) }},
		{"writing", func() error { return unix.Mkdir("/sys/fs/cgroup/unc-test", 0o755) }},
	} {
		if way.do() == nil {
			worked = append(worked, way.name)
		}
	}
	return worked
}

// childAsks sends a word to DNSAddress by both protocols.
func childAsks() error {
	var s seen
	for _, protocol := range []string{"udp", "tcp"} {
		answer, err := ask(protocol)
		if err != nil {
			return err
		}
		s.Answers = append(s.Answers, answer)
	}
	return s.save()
}

func ask(protocol string) (string, error) {
	conn, err := net.Dial(protocol, DNSAddress.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	buf := make([]byte, 100)
	n := 0
	err = conn.SetDeadline(soon())
	if err == nil {
		_, err = io.WriteString(conn, "who by "+protocol)
	}
	if err == nil {
		n, err = conn.Read(buf)
	}
	return string(buf[:n]), err
}

// soon is when a test gives up.
func soon() time.Time { return time.Now().Add(10 * time.Second) }

// table reads a file of /proc, a line of fields each; one that this kernel lacks is empty.
func table(path string) (lines [][]string) {
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
