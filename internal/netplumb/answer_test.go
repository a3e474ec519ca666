package netplumb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
	"unc/internal/rawio"
)

func TestAnswerCrosses(t *testing.T) {
	bare := good()
	bare.Resolvers, bare.Search, bare.Options = nil, nil, nil
	odd := good()
	odd.Search = []string{"a=\"b\"", "\\", "\xff", "error"}
	for name, want := range map[string]Network{"all of it": good(), "no resolvers": bare, "what needs quotes": odd} {
		t.Run(name, func(t *testing.T) {
			line := string(Answer(&want, nil))
			if got := strings.Count(line, "\n"); got != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("got %q, want one line", line)
			}
			got, err := parseAnswer(line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got, sameAddrs); diff != "" {
				t.Errorf("network (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorCrosses(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		hints []string
	}{
		{"without hints", errors.New("the subnet is full"), nil},
		{"with two", hint.With(errors.New("the bridge is another's"), "look at it", "delete it"), []string{"look at it", "delete it"}},
		{"wrapped, in two lines", fmt.Errorf("leasing: %w", hint.With(errors.New("\"full\"\n"), "wait")), []string{"wait"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := string(Answer(nil, test.err))
			if got := strings.Count(line, "\n"); got != 1 {
				t.Errorf("got %d lines of %q, want 1", got, line)
			}
			_, err := parseAnswer(line)
			if err == nil || err.Error() != test.err.Error() {
				t.Errorf("got error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.hints, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseAnswerRefuses(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"nothing", "\n", `interface "", want "eth0"`},
		{"no pair", "interface\n", `"interface" is no pair`},
		{"no quotes", "interface=eth0\n", `"interface=eth0" is no pair`},
		{"half a quote", `interface="eth0` + "\n", `"interface=\"eth0" is no pair`},
		{"an unknown key", `colour="red"` + "\n", `unknown key "colour"`},
		{"no address", `interface="eth0" address="10.0.0.2"` + "\n", `netip.ParsePrefix("10.0.0.2"): no '/'`},
		{
			"one that is not valid", `interface="eth0" address="10.0.0.2/24" gateway="10.0.1.1" mtu="1500"` + "\n",
			"gateway 10.0.1.1 is outside 10.0.0.2/24",
		},
		{"no number", `mtu="many"` + "\n", `strconv.Atoi: parsing "many": invalid syntax`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseAnswer(test.line)
			if want := "reading net-setup's answer: " + test.want; err == nil || err.Error() != want {
				t.Errorf("got %+v, %v, want error %q", got, err, want)
			}
		})
	}
}

// heard is what a helper's caller makes of what it writes.
func heard(t *testing.T, text string) (*Network, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		defer w.Close()
		_, _ = io.WriteString(w, text) // it may be more than is read
	}()
	return (&Helper{result: rawio.FD(r.Fd())}).Answer()
}

func TestHelperAnswers(t *testing.T) {
	want := good()
	got, err := heard(t, string(Answer(&want, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got, sameAddrs); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"nothing": "", "half a line": `interface="eth0"`, "a line without end": strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := heard(t, text)
			if want := "net-setup ended without an answer"; err == nil || err.Error() != want {
				t.Errorf("got error %v, want %q", err, want)
			}
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	network := good()
	f.Add(string(Answer(&network, nil)))
	f.Add(string(Answer(nil, hint.With(errors.New("no"), "hint"))))
	f.Add(`interface="eth0" address="10.0.0.2/8" gateway="10.0.0.1" mtu="1280" option=""`)
	f.Fuzz(func(t *testing.T, line string) {
		n, err := parseAnswer(line)
		if err != nil {
			return
		}
		if !n.Address.Addr().Is4() || !n.Gateway.Is4() || n.Interface != "eth0" {
			t.Errorf("got %+v, want IPv4 on eth0", n)
		}
		if got, want := strings.Count(n.Hosts("box"), "\n"), 3; got != want {
			t.Errorf("got %d lines for /etc/hosts, want %d", got, want)
		}
		again, err := parseAnswer(string(Answer(n, nil)))
		if err != nil {
			t.Fatalf("read again: %v", err)
		}
		if diff := cmp.Diff(n, again, sameAddrs); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
	})
}
