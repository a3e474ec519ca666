package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// netlinkSockets runs net-setup under strace and returns whether it opened one.
// Traced by root it keeps its capability.
func netlinkSockets(t *testing.T, h *host, args ...string) (got result, opened bool) {
	t.Helper()
	log := filepath.Join(newDir(t, user{}), "strace")
	cmd := h.unc(h.alice, append([]string{"net-setup"}, args...)...)
	got = h.run(via(cmd, "strace", "-f", "-e", "trace=socket", "-o", log))
	text, err := os.ReadFile(log)
	must(t, err)
	return got, strings.Contains(string(text), "AF_NETLINK")
}

func TestMalformedArgumentsOpenNoSocket(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	_, opened := netlinkSockets(t, h, "1")
	if !opened {
		t.Error("no netlink socket is seen with good arguments: the test sees nothing")
	}
	for name, args := range map[string][]string{
		"none":                     {},
		"empty":                    {""},
		"a leading zero":           {"01"},
		"zero":                     {"0"},
		"a plus sign":              {"+1"},
		"negative":                 {"-1"},
		"a space behind":           {"1 "},
		"a space before":           {" 1"},
		"a line end":               {"1\n"},
		"hexadecimal":              {"0x1"},
		"an underscore":            {"1_0"},
		"an exponent":              {"1e1"},
		"too large":                {"99999999999"},
		"just too large":           {"2147483648"},
		"too large for 64 bits":    {"18446744073709551617"},
		"digits of another script": {"١"},
		"a path":                   {"../1"},
		"two numbers":              {"1", "2"},
		"a number and a dash":      {"1", "-"},
		"a flag":                   {"--help"},
		"a flag and a number":      {"--bridge=br0", "1"},
		"a separator":              {"--", "1"},
		"two dashes":               {"--"},
		"a word":                   {"self"},
	} {
		t.Run(name, func(t *testing.T) {
			got, opened := netlinkSockets(t, h.of(t), args...)
			got.fails(t)
			if opened {
				t.Error("a netlink socket was opened")
			}
			if got.stdout != "" {
				t.Errorf("stdout is %q, want nothing", got.stdout)
			}
		})
	}
}

// With - the number comes from standard input, from unc or from anybody.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, input := range map[string]string{
		"nothing":           "",
		"no line end":       "1",
		"an empty line":     "\n",
		"a leading zero":    "01\n",
		"negative":          "-1\n",
		"a dash":            "-\n",
		"a carriage return": "1\r\n",
		"a zero byte":       "1\x00\n",
		"too long":          strings.Repeat("1", 1<<16),
		"two numbers":       "1 1\n",
		"no number of ours": "1\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "net-setup", "-")
			cmd.Stdin = strings.NewReader(input)
			got := h.run(cmd)
			// To whoever gives it the number, here unc's part, it also tells its errors.
			if got.code != 125 || !strings.Contains(got.stdout, "error") || got.stderr != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 125 and one error as the answer", got.code, got.stdout, got.stderr)
			}
		})
	}
}
