package idmap

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// Writing is newuidmap(1) and newgidmap(1) at work.
type Writing struct{ helpers []*process }

// process is one of the two.
type process struct {
	path  string
	doing string
	pid   int
	said  int // the reading end of a pipe, which is all that it has to write to
}

// maxSaid is how much is read of what one of them says, in bytes.
const maxSaid = 4 << 10

// Begin starts to write the map of the process with that number, which waits for
// it in a user namespace of its own. A Single map it writes itself.
//
// Both programs run at once. Each is a matter of starting it, and of reading one
// file; neither needs the other's map.
//
// Should: be called by the user who made the process, with the process's own uid and
// gid, while neither has ended.
// Mustn't: be called for a process that is not dumpable: its files in proc(5) are root's.
func (m Map) Begin(pid int) (*Writing, error) {
	found, err := findHelpers(helperDirs())
	if err != nil {
		return nil, hint.With(fmt.Errorf("mapping subordinate ids: %w", err), single)
	}
	w := new(Writing)
	for _, p := range []struct {
		path, doing string
		ranges      []Range
	}{
		{found.newuidmap, "mapping user ids", m.UIDs},
		{found.newgidmap, "mapping group ids", m.GIDs},
	} {
		started, err := start(p.path, p.doing, arguments(pid, p.ranges))
		if err != nil {
			_ = w.Wait() // what the other has to say does not count any more
			return nil, err
		}
		w.helpers = append(w.helpers, started)
	}
	return w, nil
}

// single is the way out where it is newuidmap that does not work.
const single = "--userns=single    # goes without other ids than yours"

// Wait waits until both have ended, and returns why the map is not written.
func (w *Writing) Wait() error {
	var first error
	for _, p := range w.helpers {
		if err := p.wait(); first == nil {
			first = err
		}
	}
	return first
}

// arguments are those of newuidmap(1) and newgidmap(1).
func arguments(pid int, ranges []Range) []string {
	list := []string{strconv.Itoa(pid)}
	for _, r := range ranges {
		for _, number := range []uint32{r.Inside, r.Outside, r.Count} {
			list = append(list, strconv.FormatUint(uint64(number), 10))
		}
	}
	return list
}

func start(path, doing string, args []string) (*process, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("%s: making a pipe: %w", doing, err)
	}
	defer unix.Close(ends[1])
	// Nothing of the caller's: a privileged program is to depend on its arguments alone.
	// Descriptor 0 is one that can't be read from. It stays in our process group: who it asks
	// about the user may be a server that does not answer, and Ctrl-C is to end that.
	out := uintptr(ends[1])
	pid, err := syscall.ForkExec(path, append([]string{path}, args...), &syscall.ProcAttr{
		Dir: "/", Env: []string{}, Files: []uintptr{out, out, out},
	})
	if err != nil {
		unix.Close(ends[0])
		return nil, fmt.Errorf("%s: starting %q: %w", doing, path, err)
	}
	return &process{path: path, doing: doing, pid: pid, said: ends[0]}, nil
}

func (p *process) wait() error {
	// Up to its end, or to more than it can have to say: then it dies of SIGPIPE.
	said, _ := io.ReadAll(io.LimitReader(rawio.FD(p.said), maxSaid))
	unix.Close(p.said)
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(p.pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: waiting for %q: %w", p.doing, p.path, err)
		}
		break
	}
	if status.Exited() && status.ExitStatus() == 0 {
		return nil
	}
	return hint.With(fmt.Errorf("%s with %q: %s", p.doing, p.path, reason(string(said), status)), single)
}

// reason is what a program that ended with that status had to say, or how it ended
// when it said nothing. Its first line says what is wrong, and begins with its name.
func reason(said string, status unix.WaitStatus) string {
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	for _, name := range []string{"newuidmap", "newgidmap"} {
		line = strings.TrimPrefix(line, name+": ")
	}
	switch {
	case line != "":
		return strings.TrimSuffix(line, ".")
	case status.Signaled():
		return fmt.Sprintf("it was ended by signal %d", status.Signal())
	}
	return fmt.Sprintf("it ended with code %d", status.ExitStatus())
}
