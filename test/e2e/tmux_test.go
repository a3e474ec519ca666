package e2e

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// emulator is a terminal as a person has it in front of him: tmux keeps the screen,
// and the test looks at it and types as a client in control mode (tmux(1)).
type emulator struct {
	t    *testing.T
	in   *os.File // commands
	out  *os.File // answers to them, and what happens meanwhile
	said *bufio.Reader

	prompt string // the shell's, without the space at its end
	asks   int    // how often done has typed something
}

// newEmulator starts one with a shell of alice's in it.
func (h *host) newEmulator(columns, rows int) *emulator {
	h.t.Helper()
	needProgram(h.t, "tmux", "tmux")
	dir := newDir(h.t, h.alice)
	// Without clients it ends, so that it doesn't outlive a test that fails.
	cmd := h.as(h.alice, "tmux", "-S", dir+"/socket", "-f", "/dev/null", "-C",
		"new-session", "sh", ";", "set-option", "-s", "exit-unattached", "on")
	theirIn, in, err := os.Pipe()
	must(h.t, err)
	out, theirOut, err := os.Pipe()
	must(h.t, err)
	h.t.Cleanup(func() { in.Close(); out.Close() })
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	h.start(cmd)
	theirIn.Close()
	theirOut.Close()
	e := &emulator{t: h.t, in: in, out: out, said: bufio.NewReader(out), prompt: "outside>"}
	e.resize(columns, rows)
	e.typed("PS1='outside> '; clear\r")
	e.prompted()
	return e
}

// line is the next line that tmux says.
func (e *emulator) line() string {
	e.t.Helper()
	must(e.t, e.out.SetReadDeadline(time.Now().Add(deadline)))
	line, err := e.said.ReadString('\n')
	if err != nil {
		e.t.Fatalf("hearing from tmux: %v; the last it said is %q", err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

// command has tmux execute a command, and returns what that prints.
func (e *emulator) command(format string, args ...any) (printed []string) {
	e.t.Helper()
	_, err := fmt.Fprintf(e.in, format+"\n", args...)
	must(e.t, err)
	// The flag tells the answers to this client's commands from that to the first one.
	for line := e.line(); !strings.HasPrefix(line, "%begin ") || !strings.HasSuffix(line, " 1"); {
		line = e.line()
	}
	for {
		switch line := e.line(); {
		case strings.HasPrefix(line, "%end "):
			return printed
		case strings.HasPrefix(line, "%error "):
			e.t.Fatalf("tmux: %q: %q", fmt.Sprintf(format, args...), printed)
		default:
			printed = append(printed, line)
		}
	}
}

func (e *emulator) resize(columns, rows int) {
	e.t.Helper()
	e.command("refresh-client -C %dx%d", columns, rows)
}

// typed sends keys.
func (e *emulator) typed(keys string) {
	e.t.Helper()
	e.command("send-keys -H % x", keys)
}

// until returns the screen as soon as it is as it should be. It looks again whenever
// a program has written something.
func (e *emulator) until(what string, seen func(screen []string) bool) []string {
	e.t.Helper()
	var screen []string
	e.t.Cleanup(func() {
		if e.t.Failed() && what != "" {
			e.t.Logf("waiting for %s, the screen was:\n%s", what, strings.TrimSpace(strings.Join(screen, "\n")))
		}
	})
	for {
		if screen = e.command("capture-pane -p"); seen(screen) {
			what = ""
			return screen
		}
		for !strings.HasPrefix(e.line(), "%output ") {
		}
	}
}

// expect waits for a text on the screen.
func (e *emulator) expect(text string) []string {
	e.t.Helper()
	return e.until(fmt.Sprintf("%q", text), func(screen []string) bool {
		return strings.Contains(strings.Join(screen, "\n"), text)
	})
}

// prompted waits until the shell is ready for the next line. What is typed before,
// Ctrl-C and Ctrl-Z throw away (termios(3), NOFLSH).
func (e *emulator) prompted() []string {
	e.t.Helper()
	return e.until("the prompt "+e.prompt, func(screen []string) bool { return lastOf(screen) == e.prompt })
}

// lastOf is the last line with something in it.
func lastOf(screen []string) string {
	for _, line := range slices.Backward(screen) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// atPrompt types at a prompt. A busybox that has asked the terminal where its cursor is
// throws away what it reads together with the answer, up to 16 bytes: those are blanks,
// and then a key that empties the line.
func (e *emulator) atPrompt(keys string) {
	e.t.Helper()
	e.typed(strings.Repeat(" ", 16) + "\x15" + keys)
}

// begin types a command that does not end by itself. The screen is empty before it
// begins: once something of it has been seen, the next prompt comes after its end.
func (e *emulator) begin(command string) {
	e.t.Helper()
	e.atPrompt("clear; " + command + "\r")
}

// done has the shell run a script, from an empty screen, and returns what it prints.
func (e *emulator) done(script string, code int) (printed []string) {
	e.t.Helper()
	e.asks++
	// In quotes, it is not on the screen before it is printed.
	e.begin(fmt.Sprintf("%s; echo '<%d 'ended $?'>'", script, e.asks))
	mark := fmt.Sprintf("<%d ended ", e.asks)
	screen := e.until(mark, func(screen []string) bool {
		return lastOf(screen) == e.prompt && strings.Contains(strings.Join(screen, "\n"), mark)
	})
	for _, line := range screen {
		before, after, ended := strings.Cut(line, mark)
		if !ended {
			printed = append(printed, line)
			continue
		}
		if want := fmt.Sprint(code, ">"); before != "" || after != want {
			e.t.Errorf("%s: the last line is %q, want %q; printed %q", script, line, mark+want, printed)
		}
		break
	}
	return printed
}
