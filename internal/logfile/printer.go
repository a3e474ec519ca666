package logfile

import (
	"bufio"
	"io"
	"time"
)

// lines tells the lines of a container apart: those of its two streams are told by where they
// begin.
type lines struct {
	since time.Time
	skip  int // how many are not shown

	seen  int
	begun [2]bool // there is a piece already
	shown [2]bool // of the line that has begun
}

// piece takes the next piece, and tells whether it is shown, and is the first of its line.
func (l *lines) piece(e *entry) (show, first bool) {
	s := e.stream
	first = !l.begun[s]
	if first {
		l.shown[s] = false
		if l.since.IsZero() || !e.time().Before(l.since) {
			l.seen++
			l.shown[s] = l.seen > l.skip
		}
	}
	l.begun[s] = !e.whole
	return l.shown[s], first
}

// count counts the lines that there are.
func count(f files, since time.Time) (int, error) {
	l := lines{since: since}
	for _, fd := range []int{f.older, f.current} {
		if fd < 0 {
			continue
		}
		for s := newScanner(fd); ; {
			line, ok, err := s.next()
			if err != nil {
				return 0, err
			}
			if !ok {
				if e, ok := parseEntry(s.rest()); ok && e.stream != itself {
					l.piece(&e)
				}
				break
			}
			if e, ok := parseEntry(line); ok && e.stream != itself {
				l.piece(&e)
			}
		}
	}
	return l.seen, nil
}

// printer writes the streams to where they belong, in the order of the log.
type printer struct {
	lines
	stamps bool
	to     [2]*bufio.Writer
	last   stream
}

func newPrinter(o Options, out, errs io.Writer) *printer {
	return &printer{
		lines: lines{since: o.Since}, stamps: o.Timestamps,
		to: [2]*bufio.Writer{bufio.NewWriterSize(out, maxLine), bufio.NewWriterSize(errs, maxLine)},
	}
}

func (p *printer) entry(e *entry) error {
	show, first := p.piece(e)
	if !show {
		return nil
	}
	// Both may be one terminal.
	if e.stream != p.last {
		if err := p.to[p.last].Flush(); err != nil {
			return err
		}
		p.last = e.stream
	}
	to := p.to[e.stream]
	if first && p.stamps {
		_, _ = to.Write(e.stamp)
		_ = to.WriteByte(' ')
	}
	_, err := to.Write(e.text) // a bufio.Writer returns its first error again and again
	if e.whole {
		err = to.WriteByte('\n')
	}
	return err
}

func (p *printer) flush() error {
	err := p.to[p.last].Flush()
	if e := p.to[1-p.last].Flush(); err == nil {
		err = e
	}
	return err
}
