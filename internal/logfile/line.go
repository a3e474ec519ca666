package logfile

import (
	"bytes"
	"strconv"
	"time"
)

const (
	// stampFormat has always the same length.
	stampFormat = "2006-01-02T15:04:05.000000000Z"
	// maxPiece is how much text of a container's is in one line of the log, in bytes.
	maxPiece = 16 << 10
	// maxLine is how long a line of the log can be, with its line end.
	maxLine = len(stampFormat) + len(" stdout F ") + maxPiece + 1
)

// stream is where a line of the log came from.
type stream int

const (
	stdout stream = iota
	stderr
	itself // the log
	streams
)

func (s stream) String() string {
	switch s {
	case stdout:
		return "stdout"
	case stderr:
		return "stderr"
	default:
		return "unc"
	}
}

// appendHead begins a line of the log, with F for a whole one.
func appendHead(to []byte, at time.Time, s stream) []byte {
	to = at.AppendFormat(to, stampFormat)
	to = append(to, ' ')
	to = append(to, s.String()...)
	return append(to, " F "...)
}

// entry is a line of the log.
type entry struct {
	stamp  []byte
	stream stream
	whole  bool // with its line end
	text   []byte
}

// parseEntry reads a line of the log without its line end. What it returns is part of the line.
func parseEntry(line []byte) (e entry, ok bool) {
	stamp, rest, _ := bytes.Cut(line, []byte(" "))
	name, rest, _ := bytes.Cut(rest, []byte(" "))
	tag, text, found := bytes.Cut(rest, []byte(" "))
	if !found || !isStamp(stamp) || len(tag) != 1 || tag[0] != 'F' && tag[0] != 'P' || len(text) > maxPiece {
		return e, false
	}
	e = entry{stamp: stamp, whole: tag[0] == 'F', text: text}
	for e.stream = range streams {
		if e.stream.String() == string(name) {
			return e, true
		}
	}
	return e, false
}

// isStamp tells whether all of it is digits where stampFormat has some, and the same elsewhere.
// Which of them are times, time tells where one is compared.
func isStamp(text []byte) bool {
	if len(text) != len(stampFormat) {
		return false
	}
	for i, c := range text {
		digit := stampFormat[i] >= '0' && stampFormat[i] <= '9'
		if digit && (c < '0' || c > '9') || !digit && c != stampFormat[i] {
			return false
		}
	}
	return true
}

// time is when the text was read from the container; the zero Time if it is none.
func (e *entry) time() time.Time {
	at, err := time.Parse(stampFormat, string(e.stamp))
	if err != nil {
		return time.Time{}
	}
	return at
}

const (
	beginsAt = "begins at "
	lost     = "lost "
)

// begins reads what stands first in a file that continues another.
func (e *entry) begins() (position int64, ok bool) {
	text, found := bytes.CutPrefix(e.text, []byte(beginsAt))
	return number(text, found && e.stream == itself)
}

// loss reads how much could not be written, and why.
func (e *entry) loss() (size, errno int64, ok bool) {
	text, found := bytes.CutPrefix(e.text, []byte(lost))
	first, second, _ := bytes.Cut(text, []byte(" "))
	size, ok = number(first, found && e.stream == itself)
	errno, is := number(second, ok)
	return size, errno, is
}

func number(text []byte, ok bool) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, false
	}
	return n, true
}
