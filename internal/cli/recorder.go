package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/logfile"
)

// recorder is the console of a detached container: what the command writes goes into a
// log, and what it reads comes from who attaches to the container, or from nowhere.
type recorder struct {
	tty    bool
	log    *logfile.Writer
	stdout *os.File // what the command writes, to be read; with a terminal nothing
	stderr *os.File
	errors *os.File // the other end of stderr, for unc's own words
	input  *os.File // where to write what the command reads, or nil

	copiers []*copier
}

// newRecorder puts the command's streams in the place of this process's.
func newRecorder(dir *os.File, f *lifeFlags) (r *recorder, err error) {
	const doing = "making the command's streams"
	r = &recorder{tty: f.TTY}
	if r.log, err = logfile.NewWriter(dir, f.maxLog); err != nil {
		return nil, err
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer null.Close()
	ours := [3]*os.File{null, null, null} // what becomes 0, 1 and 2
	if r.stderr, r.errors, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if !r.tty {
		ours[2] = r.errors
		if r.stdout, ours[1], err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		defer ours[1].Close()
	}
	if !r.tty && f.Interactive {
		if ours[0], r.input, err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		defer ours[0].Close()
	}
	for fd, file := range ours {
		if err := unix.Dup3(int(file.Fd()), fd, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
	}
	return r, nil
}

func (r *recorder) streams() [3]bool { return [3]bool{r.tty, r.tty, r.tty} }

// kind is that of who will attach, most likely.
func (r *recorder) kind() string {
	if r.tty {
		return "xterm"
	}
	return "dumb"
}

func (r *recorder) raw() bool { return false }

func (r *recorder) heed(unix.Signal) bool { return false }

// join takes the container's terminal, which somebody may type into later.
func (r *recorder) join(master *os.File) error {
	r.stdout = master
	return nil
}

// listen begins to write down what the command says.
func (r *recorder) listen() {
	for _, stream := range []struct {
		from *os.File
		to   io.Writer
	}{{r.stdout, r.log.Stdout()}, {r.stderr, r.log.Stderr()}} {
		c, err := startCopier(stream.to, stream.from)
		if err != nil {
			warn(err.Error())
			continue
		}
		r.copiers = append(r.copiers, c)
	}
}

// letGo closes the command's ends.
func (r *recorder) letGo() { empty(0, 1, 2) }

func (r *recorder) finish() {
	for _, c := range r.copiers {
		c.finish()
	}
}

func (r *recorder) restore() {}
