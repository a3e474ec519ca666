package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// keys is what has to be typed, in this order, to leave a container; empty: nothing does.
type keys []byte

// parseKeys reads the form that Docker and podman have: ctrl-p,ctrl-q or single characters.
func parseKeys(text string) (k keys, err error) {
	if text == "" {
		return nil, nil
	}
	for _, word := range strings.Split(text, ",") {
		letter, isControl := strings.CutPrefix(word, "ctrl-")
		if len(letter) != 1 {
			return nil, fmt.Errorf("%q is no key: give a character, or ctrl- and one of a-z @ [ \\ ] ^ _", word)
		}
		c := letter[0]
		if isControl {
			upper := strings.ToUpper(letter)[0]
			if upper < '@' || upper > '_' {
				return nil, fmt.Errorf("%q: with ctrl- go a-z @ [ \\ ] ^ _", word)
			}
			c = upper & 0x1f // ascii(7)
		}
		k = append(k, c)
	}
	return k, nil
}

// errLeft is the end of what is typed, by the keys.
var errLeft = errors.New("left")

// leaving reads what is typed up to the keys. The beginning of them is held back until it is
// clear that no more follows.
type leaving struct {
	from  io.Reader
	keys  keys
	begun int    // how many of keys were typed last
	ready []byte // to be read
	err   error
}

func (l *leaving) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		n, err := l.from.Read(p)
		l.err = err
		for _, c := range p[:n] {
			l.take(c)
			if errors.Is(l.err, errLeft) {
				return l.give(p)
			}
		}
		if err != nil {
			l.ready, l.begun = append(l.ready, l.keys[:l.begun]...), 0
		}
	}
	return l.give(p)
}

// give hands out what is ready.
func (l *leaving) give(p []byte) (int, error) {
	if len(l.ready) == 0 {
		return 0, l.err
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// take takes in one character.
func (l *leaving) take(c byte) {
	if len(l.keys) == 0 {
		l.ready = append(l.ready, c)
		return
	}
	typed := append(bytes.Clone(l.keys[:l.begun]), c)
	// What stays the beginning of the keys may be shorter than what was.
	keep := len(typed)
	for !bytes.HasPrefix(l.keys, typed[len(typed)-keep:]) {
		keep--
	}
	l.ready = append(l.ready, typed[:len(typed)-keep]...)
	l.begun = keep
	if keep == len(l.keys) {
		l.err = errLeft
	}
}
