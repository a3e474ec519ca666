package logfile

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Options are what a reader wants.
type Options struct {
	Tail       int               // how many of the lines that there are; all when negative
	Since      time.Time         // lines from then on
	Follow     bool              // go on with what is written from now on
	Timestamps bool              // in front of each line, as in the log
	Note       func(text string) // is told what is missing; may be nil
}

// Read writes what a container wrote to where it belongs. It ends at the end of the log, or with
// Follow after a word from done, which may be closed instead: what is left to read then is in the
// Rest that came, or in the directory where none did.
func Read(dir *os.File, o Options, stdout, stderr io.Writer, done <-chan *Rest) error {
	r := &reader{dir: dir, note: o.Note, expected: -1, printer: newPrinter(o, stdout, stderr)}
	defer func() {
		r.at.close()
		if r.rest != nil {
			r.rest.files.close()
		}
	}()
	err := r.read(o, done)
	if err == nil {
		err = r.printer.flush()
	}
	if err != nil {
		return fmt.Errorf("reading the log in %q: %w", dir.Name(), err)
	}
	return nil
}

type reader struct {
	dir     *os.File
	note    func(string)
	printer *printer

	at       *scanner // the file that is read
	base     int64    // where that begins, counted from the beginning of all
	expected int64    // where the next one should; -1 when that is any
	noted    bool     // that there are lines that can't be read
	rest     *Rest    // all that there will be; nil: what the directory has
}

func (r *reader) read(o Options, done <-chan *Rest) error {
	var changes <-chan struct{}
	if o.Follow {
		w, err := watch(int(r.dir.Fd()))
		if err != nil {
			return err
		}
		defer w.Close()
		changes = w.changes
	}
	f, err := openFiles(int(r.dir.Fd()))
	if err != nil {
		return err
	}
	if o.Tail >= 0 {
		lines, err := count(f, o.Since)
		if err != nil {
			f.close()
			return err
		}
		r.printer.skip = max(0, lines-o.Tail)
	}
	for _, fd := range []int{f.older, f.current} {
		if fd >= 0 {
			if err := r.enter(fd); err != nil {
				return err
			}
		}
	}
	if o.Follow {
		return r.follow(changes, done)
	}
	r.finish()
	return nil
}

// enter goes on with another file, after the end of the one before, and reads it as far as it goes.
func (r *reader) enter(fd int) error {
	if r.at != nil {
		r.finish()
		r.expected = r.base + r.at.offset
		r.at.close()
	}
	r.at = newScanner(fd)
	r.base = 0
	return r.consume()
}

// consume reads the whole lines that there are.
func (r *reader) consume() error {
	if r.at == nil {
		return nil
	}
	for {
		line, ok, err := r.at.next()
		if err != nil {
			return err
		}
		if r.at.bad && !r.noted {
			r.noteUnreadable()
		}
		if !ok {
			return nil
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
}

func (r *reader) line(line []byte) error {
	e, ok := parseEntry(line)
	if !ok {
		r.noteUnreadable()
		return nil
	}
	if e.stream != itself {
		return r.printer.entry(&e)
	}
	if position, ok := e.begins(); ok {
		if gap := position - r.expected; r.expected >= 0 && gap > 0 {
			r.tell(fmt.Sprintf("%d bytes of the log were overwritten before they were read", gap))
		}
		r.base, r.expected = position, -1
	} else if size, errno, ok := e.loss(); ok {
		r.tell(fmt.Sprintf("%d bytes of the log are missing here: they could not be written: %v", size, unix.Errno(errno)))
	}
	return nil
}

// finish shows what follows the last whole line of a file that is complete: its writer was killed.
func (r *reader) finish() {
	if r.at == nil {
		return
	}
	if e, ok := parseEntry(r.at.rest()); ok && e.stream != itself {
		e.whole = false
		_ = r.printer.entry(&e) // flush tells
	}
}

// tell has a note follow what was shown before.
func (r *reader) tell(text string) {
	if r.note != nil {
		_ = r.printer.flush() // fails again where it is looked at
		r.note(text)
	}
}

func (r *reader) noteUnreadable() {
	if !r.noted {
		r.noted = true
		r.tell("there are lines in the log that unc has not written; they are left out")
	}
}
