package logfile

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// scanner reads the lines of one file, which may grow.
type scanner struct {
	fd     int
	offset int64 // of what is read next
	buf    []byte
	start  int // of what was read and not returned: buf[start:]
	longer bool
	bad    bool // a line was too long
}

func newScanner(fd int) *scanner { return &scanner{fd: fd, buf: make([]byte, 0, 4*maxLine)} }

func (s *scanner) close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// next returns the next whole line, without its line end, or false when there is none yet. It is
// valid until the next call.
func (s *scanner) next() (line []byte, ok bool, err error) {
	for searched := s.start; ; {
		if i := bytes.IndexByte(s.buf[searched:], '\n'); i >= 0 {
			line, s.start = s.buf[s.start:searched+i], searched+i+1
			if s.longer {
				s.longer, searched = false, s.start
				continue
			}
			return line, true, nil
		}
		if len(s.buf)-s.start > maxLine {
			s.longer, s.bad, s.start = true, true, len(s.buf)
		}
		s.buf = s.buf[:copy(s.buf, s.buf[s.start:])]
		s.start, searched = 0, len(s.buf)
		n, err := unix.Pread(s.fd, s.buf[searched:cap(s.buf)], s.offset)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, false, err
		case n == 0:
			return nil, false, nil
		}
		s.buf, s.offset = s.buf[:searched+n], s.offset+int64(n)
	}
}

// rest is what follows the last whole line.
func (s *scanner) rest() []byte {
	if s.longer {
		return nil
	}
	return s.buf[s.start:]
}

// forget has the rest read again: when the disk is full, its writer may take it back.
func (s *scanner) forget() {
	s.offset -= int64(len(s.buf) - s.start)
	s.buf, s.start = s.buf[:0], 0
	var st unix.Stat_t
	if unix.Fstat(s.fd, &st) == nil && st.Size < s.offset {
		s.offset = st.Size // somebody has emptied it
	}
}
