package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStyle(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	screen := openTerminal(t)
	for _, test := range []struct {
		name    string
		file    *os.File
		term    string
		noColor string
		want    string
	}{
		{"a terminal", screen, "xterm", "", "\x1b[1;31munc:\x1b[0m"},
		{"a terminal that is none of those", screen, "dumb", "", "unc:"},
		{"a terminal of no name", screen, "", "", "unc:"},
		{"no colours wanted", screen, "xterm", "1", "unc:"},
		{"a file", file, "xterm", "", "unc:"},
		{"a pipe", writer, "xterm", "", "unc:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TERM", test.term)
			t.Setenv("NO_COLOR", test.noColor)
			if got := style(test.file).alarm("unc:"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPaint(t *testing.T) {
	colourful := painter{colours: true}
	for _, test := range []struct {
		name       string
		paint      func(string) string
		text, want string
	}{
		{"strong", colourful.strong, "a b", "\x1b[1ma b\x1b[0m"},
		{"good", colourful.good, "ok", "\x1b[32mok\x1b[0m"},
		{"caution", colourful.caution, "warning:", "\x1b[1;33mwarning:\x1b[0m"},
		{"nothing", colourful.strong, "", ""},
		{"for no terminal", painter{}.good, "ok", "ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.paint(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// openTerminal returns the side of a new pseudo-terminal that programs have.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	return screen
}

func setColumns(t *testing.T, screen *os.File, columns uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
}
