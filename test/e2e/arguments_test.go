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
	for _, good := range [][]string{{"1"}, {"release", "web"}} {
		if _, opened := netlinkSockets(t, h, good...); !opened {
			t.Errorf("no netlink socket is seen with %q: the test sees nothing", good)
		}
	}
	for name, args := range map[string][]string{
		"none":                      {},
		"empty":                     {""},
		"a leading zero":            {"01"},
		"zero":                      {"0"},
		"a plus sign":               {"+1"},
		"negative":                  {"-1"},
		"a space behind":            {"1 "},
		"a space before":            {" 1"},
		"a line end":                {"1\n"},
		"hexadecimal":               {"0x1"},
		"an underscore":             {"1_0"},
		"an exponent":               {"1e1"},
		"too large":                 {"99999999999"},
		"just too large":            {"2147483648"},
		"too large for 64 bits":     {"18446744073709551617"},
		"digits of another script":  {"١"},
		"a path":                    {"../1"},
		"two numbers":               {"1", "2"},
		"a number and a dash":       {"1", "-"},
		"a flag":                    {"--help"},
		"a flag and a number":       {"--bridge=br0", "1"},
		"a separator":               {"--", "1"},
		"two dashes":                {"--"},
		"a word":                    {"self"},
		"a name and no number":      {"--name=web"},
		"a number before a name":    {"1", "--name=web"},
		"a name on its own":         {"--name", "web", "1"},
		"an empty name":             {"--name=", "1"},
		"a name with a dot":         {"--name=web.1", "1"},
		"a name in upper case":      {"--name=Web", "1"},
		"two names":                 {"--name=a", "--name=b", "1"},
		"a bad address":             {"--ip=10.100.42.300", "1"},
		"an address padded":         {"--ip=10.100.42.07", "1"},
		"an IPv6 address":           {"--ip=::1", "1"},
		"a port":                    {"--publish=8080:80", "1"},
		"a report of a number":      {"report", "1"},
		"a report with a name":      {"--name=web", "report"},
		"a release of nothing":      {"release"},
		"a release of an empty":     {"release", ""},
		"a release of two":          {"release", "web", "db"},
		"a release with a flag":     {"release", "--name=web"},
		"a release of a bad name":   {"release", "1001.web"},
		"a release of a path":       {"release", "../web"},
		"a release of a long name":  {"release", strings.Repeat("w", 64)},
		"a release of input":        {"release", "-\n"},
		"a release, the name first": {"web", "release"},
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

// With - the request comes from standard input, from unc or from anybody.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, input := range map[string]string{
		"nothing":              "",
		"no line end":          `pid="1"`,
		"an empty line":        "\n",
		"a number alone":       "1\n",
		"a leading zero":       `pid="01"` + "\n",
		"negative":             `pid="-1"` + "\n",
		"a dash":               `pid="-"` + "\n",
		"a carriage return":    `pid="1"` + "\r\n",
		"a zero byte":          `pid="1` + "\x00\"\n",
		"too long":             `name="` + strings.Repeat("x", 1<<17) + `" pid="1"` + "\n",
		"too long for a line":  strings.Repeat(`publish="tcp 8080" `, 1<<13),
		"two numbers":          `pid="1 1"` + "\n",
		"no quotes":            "pid=1\n",
		"an open quote":        `pid="1` + "\n",
		"an unknown key":       `pid="1" uid="0"` + "\n",
		"no key":               `="1"` + "\n",
		"a key alone":          "pid\n",
		"a name and no number": `name="web"` + "\n",
		"a bad name":           `pid="1" name="../web"` + "\n",
		"a bad address":        `pid="1" ip="10.100.42"` + "\n",
		"a bad port":           `pid="1" publish="80"` + "\n",
		"no number of ours":    `pid="1"` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "net-setup", "-")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			s := h.helps(cmd)
			s.ask(input)
			s.hangUp()
			// To whoever gives it the number, here unc's part, it also tells its errors.
			answer, code := s.ended()
			if code != 125 || !strings.HasPrefix(answer, `error="`) || strings.Count(answer, "\n") != 1 || stderr.Len() > 0 {
				t.Errorf("exit code %d, answer %q, stderr %q; want 125 and one error as the answer", code, answer, &stderr)
			}
			if hasBridge(h) {
				t.Error("there is a bridge unc0")
			}
		})
	}
}
