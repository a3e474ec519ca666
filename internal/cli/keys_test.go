package cli

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseKeys(t *testing.T) {
	for _, test := range []struct {
		text string
		want keys
		err  string
	}{
		{"ctrl-p,ctrl-q", keys{0x10, 0x11}, ""},
		{"ctrl-@,ctrl-[,ctrl-_", keys{0, 0x1b, 0x1f}, ""},
		{"a,B", keys("aB"), ""},
		{"", nil, ""},
		{"ctrl-", nil, "is no key"},
		{"ctrl-1", nil, "with ctrl- go"},
		{"ab", nil, "is no key"},
		{"a,", nil, "is no key"},
		{"é", nil, "is no key"},
	} {
		t.Run(test.text, func(t *testing.T) {
			got, err := parseKeys(test.text)
			if !bytes.Equal(got, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %q, %v; want %q, %q", got, err, test.want, test.err)
			}
		})
	}
}

func TestLeaving(t *testing.T) {
	for _, test := range []struct {
		name, keys, typed, want string
		left                    bool
	}{
		{"nothing of them", "pq", "abc", "abc", false},
		{"them alone", "pq", "pq", "", true},
		{"in between", "pq", "abpqcd", "ab", true},
		{"the first twice", "pq", "ppq", "p", true},
		{"the first and another", "pq", "paq", "paq", false},
		{"the first at the end", "pq", "ap", "ap", false},
		{"a beginning in a beginning", "aab", "aaab", "a", true},
		{"a longer one", "abac", "ababac", "ab", true},
		{"one alone", "q", "aqb", "a", true},
		{"none", "", "pq", "pq", false},
	} {
		for name, typing := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "one by one": iotest.OneByteReader, "end with the last": iotest.DataErrReader,
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				got, err := io.ReadAll(&leaving{from: typing(strings.NewReader(test.typed)), keys: keys(test.keys)})
				if string(got) != test.want || errors.Is(err, errLeft) != test.left || err != nil && !test.left {
					t.Errorf("got %q, %v; want %q, left: %v", got, err, test.want, test.left)
				}
			})
		}
	}
}

// What is typed arrives, but for the keys and what comes after them, however it is cut.
func FuzzLeaving(f *testing.F) {
	f.Add("pq", "apqb", uint8(1))
	f.Add("aab", "aaaab", uint8(2))
	f.Add("", "x", uint8(0))
	f.Fuzz(func(t *testing.T, k, typed string, size uint8) {
		want, _, left := strings.Cut(typed, k)
		if k == "" {
			want, left = typed, false
		}
		l := &leaving{from: strings.NewReader(typed), keys: keys(k)}
		var got []byte
		buf := make([]byte, int(size)+1)
		for {
			n, err := l.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				if string(got) != want || errors.Is(err, errLeft) != left {
					t.Errorf("%q in %q: got %q, %v; want %q, left: %v", k, typed, got, err, want, left)
				}
				return
			}
		}
	})
}
