package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MinSize is the least that there must be room for, in bytes.
const MinSize = 64 << 10

// maxWrite is how much is written at once. A chunk that would be more in the log, because it has
// hundreds of short lines, takes more than one write(2). It fits into the smallest file.
const maxWrite = MinSize/2 - 2*reserve

// Writer writes a log. Its streams are written to by goroutines of their own.
type Writer struct {
	dir *os.File
	max int64 // of one file

	// Tests have their own.
	now    func() time.Time
	output func(fd int, b []byte) (int, error)

	mu   sync.Mutex
	fd   int   // of log; -1 when it could not be made
	size int64 // of log
	base int64 // of all files before
	buf  []byte

	dropped int64 // since something was last written
	why     syscall.Errno
}

// NewWriter begins a log in a directory that has none, with at most size bytes in all its
// files. The directory, and the log, stay open until this process ends.
func NewWriter(dir *os.File, size int64) (*Writer, error) {
	if size < MinSize {
		return nil, fmt.Errorf("a log of %d bytes is too small: give it %d", size, MinSize)
	}
	w := &Writer{dir: dir, max: size / 2, now: time.Now, output: unix.Write}
	var err error
	if w.fd, err = w.create(unix.O_EXCL); err != nil {
		return nil, fmt.Errorf("making the log in %q: %w", dir.Name(), err)
	}
	return w, nil
}

// Stdout is one of the streams. Whatever happens to the log, writing to it succeeds: no container
// is to be stopped by that.
func (w *Writer) Stdout() io.Writer { return &part{w, stdout} }

// Stderr is the other stream.
func (w *Writer) Stderr() io.Writer { return &part{w, stderr} }

type part struct {
	w      *Writer
	stream stream
}

func (p *part) Write(chunk []byte) (int, error) {
	p.w.write(p.stream, chunk)
	return len(chunk), nil
}

func (w *Writer) write(s stream, chunk []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var head [64]byte
	prefix := appendHead(head[:0], w.now().UTC(), s)
	tag := len(prefix) - len("F ")
	w.buf = w.buf[:0]
	for len(chunk) > 0 {
		length, next := len(chunk), len(chunk)
		prefix[tag] = 'P'
		if end := bytes.IndexByte(chunk[:min(len(chunk), maxPiece+1)], '\n'); end >= 0 {
			length, next = end, end+1
			prefix[tag] = 'F'
		} else if length > maxPiece {
			length, next = maxPiece, maxPiece
		}
		if len(w.buf)+len(prefix)+length+1 > maxWrite {
			w.flush()
		}
		w.buf = append(append(append(w.buf, prefix...), chunk[:length]...), '\n')
		chunk = chunk[next:]
	}
	w.flush()
}

// flush writes what is in buf, or drops it.
func (w *Writer) flush() {
	if len(w.buf) == 0 {
		return
	}
	err := w.ready(int64(len(w.buf)))
	if err == nil && w.dropped > 0 {
		err = w.tell()
	}
	written := 0
	if err == nil {
		written, err = w.append(w.buf)
	}
	if err != nil {
		w.dropped += int64(len(w.buf) - written)
		w.why = 0
		_ = errors.As(err, &w.why)
	}
	w.buf = w.buf[:0]
}

// tell writes how much was dropped.
func (w *Writer) tell() error {
	var line [128]byte
	text := append(appendHead(line[:0], w.now().UTC(), itself), lost...)
	text = strconv.AppendInt(text, w.dropped, 10)
	text = append(text, ' ')
	text = strconv.AppendInt(text, int64(w.why), 10)
	_, err := w.append(append(text, '\n'))
	if err == nil {
		w.dropped = 0
	}
	return err
}

// append adds lines to the file, all of them or as many as there is room for, and none in part.
func (w *Writer) append(lines []byte) (int, error) {
	written := 0
	for written < len(lines) {
		n, err := w.output(w.fd, lines[written:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			whole := bytes.LastIndexByte(lines[:written], '\n') + 1
			w.size += int64(whole)
			if whole < written {
				_ = unix.Ftruncate(w.fd, w.size)
			}
			return whole, err
		default:
			written += n
		}
	}
	w.size += int64(written)
	return written, nil
}
