package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// picture is everything about a host that a container must not change, one
// entry for each thing.
type picture map[string]string

// look takes a picture of the host.
func (h *host) look() (picture, error) {
	p := picture{}
	err := h.in(func() error {
		for _, part := range []func() (map[string]string, error){links, routes, rules, sysctls, listeners} {
			entries, err := part()
			if err != nil {
				return err
			}
			maps.Copy(p, entries)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		p["mount "+strings.TrimSpace(line)] = "there"
	}
	for _, pid := range processesOf(h.alice, h.bob) {
		p[fmt.Sprintf("process %d", pid)] = commandLine(pid)
	}
	return p, nil
}

// compare waits until the host is as it was, and says what is not. What the first
// container makes and is documented to stay may have come meanwhile (lasting_test.go).
func (h *host) compare() {
	h.t.Helper()
	var left []string
	same := lookUntil(deadline, func() bool {
		after, err := h.look()
		if err != nil {
			left = []string{err.Error()} // a list that changed while it was read
			return false
		}
		if wrong := h.aboutLasting(after); wrong != "" {
			left = []string{wrong}
			return false
		}
		left = differences(h.withoutLasting(h.before, after))
		return len(left) == 0
	})
	if !same {
		h.t.Errorf("the host is not what it was before:\n%s", strings.Join(left[:min(len(left), 10)], "\n"))
	}
}

// differences lists what is in one picture only, or different in both.
func differences(before, after map[string]string) []string {
	var list []string
	for key, was := range before {
		if is, there := after[key]; !there {
			list = append(list, fmt.Sprintf("gone: %s: %s", key, was))
		} else if is != was {
			list = append(list, fmt.Sprintf("changed: %s: %s -> %s", key, was, is))
		}
	}
	for key, is := range after {
		if _, there := before[key]; !there {
			list = append(list, fmt.Sprintf("new: %s: %s", key, is))
		}
	}
	slices.Sort(list)
	return list
}

// sysctls are the kernel settings of the calling thread's network namespace.
func sysctls() (map[string]string, error) {
	const root = "/proc/sys/net"
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // of an interface that has just gone
		}
		name := strings.TrimPrefix(path, root+"/")
		// This one counts what happens.
		if strings.HasSuffix(name, "nf_conntrack_count") {
			return nil
		}
		if value, err := os.ReadFile(path); err == nil {
			found["sysctl "+name] = strings.TrimSpace(string(value))
		}
		return nil
	})
	return found, err
}

// listeners are the sockets of the calling thread's network namespace at which
// anybody could arrive.
func listeners() (map[string]string, error) {
	found := map[string]string{}
	for protocol, waiting := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + protocol)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		// proc_pid_net(5): number, local address, remote address, state, ..., uid, ...
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 7 && f[3] == waiting {
				found["socket "+protocol+" "+f[1]] = "uid " + f[7]
			}
		}
	}
	return found, nil
}

// processesOf lists what runs as one of these users; zombies don't run.
func processesOf(users ...user) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		status := statusOf(pid)
		for _, u := range users {
			uid := strconv.Itoa(u.uid)
			if slices.Contains(strings.Fields(status["Uid"]), uid) && !strings.HasPrefix(status["State"], "Z") {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// statusOf reads /proc/PID/status; it is empty when the process has gone.
func statusOf(pid int) map[string]string {
	return readStatus(fmt.Sprintf("/proc/%d/status", pid))
}

func readStatus(path string) map[string]string {
	text, _ := os.ReadFile(path)
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// listing describes a directory tree, one entry for each file: mode, owner,
// size, time of change, and where a link leads.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		target, _ := os.Readlink(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = fmt.Sprintf("%o %d:%d %d bytes %d.%09d %s", st.Mode, st.Uid, st.Gid, st.Size, st.Mtim.Sec, st.Mtim.Nsec, target)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
