package netplumb

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// pidTexts is what may be read as a process number; 0 is a refusal.
var pidTexts = []struct {
	name, text string
	want       int
}{
	{"the first", "1", 1},
	{"an ordinary one", "4711", 4711},
	{"the largest", "2147483647", 2147483647},
	{"empty", "", 0},
	{"zero", "0", 0},
	{"negative", "-1", 0},
	{"negative zero", "-0", 0},
	{"plus sign", "+1", 0},
	{"leading zero", "01", 0},
	{"hexadecimal", "0x10", 0},
	{"underscore", "1_000", 0},
	{"space before", " 1", 0},
	{"space after", "1 ", 0},
	{"line end", "1\n", 0},
	{"zero byte", "1\x00", 0},
	{"a path", "../1", 0},
	{"a word", "self", 0},
	{"other digits", "٤", 0},
	{"too large", "2147483648", 0},
	{"too large by far", "99999999999999999999", 0},
}

func TestParsePID(t *testing.T) {
	for _, test := range pidTexts {
		t.Run(test.name, func(t *testing.T) {
			got, err := parsePID(test.text)
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if refused := errors.Is(err, ErrUsage); refused != (test.want == 0) {
				t.Errorf("got error %v, want one that says how it is used: %v", err, test.want == 0)
			}
		})
	}
}

func TestParseArgs(t *testing.T) {
	for _, test := range []struct {
		name      string
		args      []string
		pid       int
		fromInput bool
		refused   bool
	}{
		{"a number", []string{"4711"}, 4711, false, false},
		{"from input", []string{"-"}, 0, true, false},
		{"nothing", nil, 0, false, true},
		{"an empty one", []string{""}, 0, false, true},
		{"two numbers", []string{"4711", "4712"}, 0, false, true},
		{"a number and the input", []string{"4711", "-"}, 0, false, true},
		{"a flag", []string{"--help"}, 0, false, true},
		{"a longer dash", []string{"--"}, 0, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pid, fromInput, err := parseArgs(test.args)
			if pid != test.pid || fromInput != test.fromInput {
				t.Errorf("got %v, %v, want %v, %v", pid, fromInput, test.pid, test.fromInput)
			}
			if errors.Is(err, ErrUsage) != test.refused {
				t.Errorf("got error %v, want refusal: %v", err, test.refused)
			}
		})
	}
}

// An error shows what was refused, but no more of it than helps.
func TestParsePIDQuotesLittle(t *testing.T) {
	_, err := parsePID(strings.Repeat("9", 4096))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("got %d bytes of error, want at most 200", len(err.Error()))
	}
}

func TestReadPID(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		in   io.Reader
		want int
		err  error
	}{
		{"one line", strings.NewReader("4711\n"), 4711, nil},
		{"the largest", strings.NewReader("2147483647\n"), 2147483647, nil},
		{"in pieces, with the end", iotest.DataErrReader(iotest.OneByteReader(strings.NewReader("12\n"))), 12, nil},
		{"nothing", strings.NewReader(""), 0, errNoPID},
		{"no line end", strings.NewReader("4711"), 0, errNoPID},
		{"an empty line", strings.NewReader("\n4711\n"), 0, ErrUsage},
		{"too long", strings.NewReader("21474836470\n"), 0, ErrUsage},
		{"without end", strings.NewReader(strings.Repeat("1", 1<<20)), 0, ErrUsage},
		{"a word", strings.NewReader("self\n"), 0, ErrUsage},
		{"carriage return", strings.NewReader("4711\r\n"), 0, ErrUsage},
		{"broken", iotest.ErrReader(broken), 0, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readPID(test.in)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v, %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

// What follows the line is not net-setup's to take.
func TestReadPIDTakesOneLine(t *testing.T) {
	in := strings.NewReader("4711\nthe rest")
	if _, err := readPID(in); err != nil {
		t.Fatal(err)
	}
	if got, want := in.Len(), len("the rest"); got != want {
		t.Errorf("got %d bytes left, want %d", got, want)
	}
}

func FuzzPID(f *testing.F) {
	for _, test := range pidTexts {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, err := parsePID(text)
		switch {
		case err != nil && !errors.Is(err, ErrUsage):
			t.Errorf("got error %v, want one that says how it is used", err)
		case err == nil && (pid <= 0 || strconv.Itoa(pid) != text):
			t.Errorf("%q is read as %d", text, pid)
		}

		read, readErr := readPID(strings.NewReader(text + "\n"))
		line, _, _ := strings.Cut(text, "\n")
		if want, wantErr := parsePID(line); read != want || (readErr == nil) != (wantErr == nil) {
			t.Errorf("the line %q is read as %d, %v, want %d, %v", line, read, readErr, want, wantErr)
		}
	})
}
