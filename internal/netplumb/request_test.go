package netplumb

import (
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"unc/internal/name"
	"unc/internal/ports"
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
			if refused := errors.Is(err, errUsage); refused != (test.want == 0) {
				t.Errorf("got error %v, want one that says how it is used: %v", err, test.want == 0)
			}
		})
	}
}

// An error shows what was refused, but no more of it than helps.
func TestRequestQuotesLittle(t *testing.T) {
	long := strings.Repeat("9", 4096)
	for name, args := range map[string][]string{
		"a number": {long}, "an address": {"--ip=" + long, "1"}, "a flag": {"--" + long, "1"}, "a name": {"--name=" + long, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseArgs(args)
			if err == nil || len(err.Error()) > 250 {
				t.Errorf("got error %v, want one of at most 250 bytes", err)
			}
		})
	}
}

func TestParseArgs(t *testing.T) {
	web := Request{PID: 4711, Name: "web"}
	addr := netip.MustParseAddr("10.100.42.7")
	for _, test := range []struct {
		name string
		args []string
		want Request // the zero one: refused
	}{
		{"a number", []string{"4711"}, Request{PID: 4711}},
		{"a name", []string{"--name=web", "4711"}, web},
		{"an address", []string{"--ip=10.100.42.7", "4711"}, Request{PID: 4711, Address: addr}},
		{"both", []string{"--name=web", "--ip=10.100.42.7", "4711"}, Request{PID: 4711, Name: "web", Address: addr}},
		{"the other way round", []string{"--ip=10.100.42.7", "--name=web", "4711"}, Request{PID: 4711, Name: "web", Address: addr}},
		{"nothing", nil, Request{}},
		{"an empty one", []string{""}, Request{}},
		{"two numbers", []string{"4711", "4712"}, Request{}},
		{"a number and the input", []string{"4711", "-"}, Request{}},
		{"the input and a number", []string{"-", "4711"}, Request{}},
		{"flags and the input", []string{"--name=web", "-"}, Request{}},
		{"a report and a number", []string{"report", "4711"}, Request{}},
		{"help", []string{"--help"}, Request{}},
		{"a longer dash", []string{"--", "4711"}, Request{}},
		{"no number", []string{"--name=web"}, Request{}},
		{"a flag at the end", []string{"4711", "--name=web"}, Request{}},
		{"a value of its own", []string{"--name", "web", "4711"}, Request{}},
		{"one dash", []string{"-name=web", "4711"}, Request{}},
		{"part of a flag", []string{"--nam=web", "4711"}, Request{}},
		{"another case", []string{"--Name=web", "4711"}, Request{}},
		{"a name twice", []string{"--name=web", "--name=web", "4711"}, Request{}},
		{"an address twice", []string{"--ip=10.100.42.7", "--ip=10.100.42.8", "4711"}, Request{}},
		{"a key that is no flag", []string{"--publish=tcp * 0 80", "4711"}, Request{}},
		{"the number as a flag", []string{"--pid=1", "4711"}, Request{}},
		{"an empty name", []string{"--name=", "4711"}, Request{}},
		{"a bad name", []string{"--name=../web", "4711"}, Request{}},
		{"an empty address", []string{"--ip=", "4711"}, Request{}},
		{"an IPv6 address", []string{"--ip=fd00::7", "4711"}, Request{}},
		{"IPv4 in IPv6", []string{"--ip=::ffff:10.100.42.7", "4711"}, Request{}},
		{"a subnet", []string{"--ip=10.100.42.7/24", "4711"}, Request{}},
		{"leading zeros", []string{"--ip=10.100.42.007", "4711"}, Request{}},
		{"three numbers of four", []string{"--ip=10.100.42", "4711"}, Request{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseArgs(test.args)
			if test.want.PID == 0 {
				if err == nil {
					t.Errorf("got %+v, want it refused", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, sameAddrs); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// full is a request that asks for everything.
func full() Request {
	return Request{
		PID: 4711, Name: "web", Address: netip.MustParseAddr("10.100.42.7"),
		Publish: []ports.Mapping{
			{HostPort: 8080, Port: 80},
			{UDP: true, Host: netip.MustParseAddr("127.0.0.1"), Port: 53},
			{Host: netip.MustParseAddr("2001:db8::1"), HostPort: 65535, Port: 65535},
		},
	}
}

func TestRequestCrosses(t *testing.T) {
	many := Request{PID: 1}
	for port := range uint16(1024) {
		many.Publish = append(many.Publish, ports.Mapping{HostPort: 20000 + port, Port: 1 + port})
	}
	for name, want := range map[string]Request{"the least": {PID: 2147483647}, "all": full(), "many ports": many} {
		t.Run(name, func(t *testing.T) {
			line := string(want.line())
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("got %q, want one line", line)
			}
			for how, in := range map[string]io.Reader{
				"at once": strings.NewReader(line), "in halves": iotest.HalfReader(strings.NewReader(line)),
				"byte by byte, with the end": iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(line))),
			} {
				got, err := readRequest(in)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(want, got, sameAddrs); diff != "" {
					t.Errorf("%s: request (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

func TestReadRequestRefuses(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		in   io.Reader
		want string
	}{
		{"nothing", strings.NewReader(""), errNoRequest.Error()},
		{"no line end", strings.NewReader(`pid="4711"`), errNoRequest.Error()},
		{"an empty line", strings.NewReader("\n"), errNoRequest.Error()},
		{"no process", strings.NewReader(`name="web"` + "\n"), errNoRequest.Error()},
		{"broken", iotest.ErrReader(broken), "reading a request: broken"},
		{"broken in the middle", io.MultiReader(strings.NewReader(`pid="47`), iotest.ErrReader(broken)), "reading a request: broken"},
		{"without end", strings.NewReader(strings.Repeat("1", 1<<20)), errUsage.Error() + "; the request is longer than 65536 bytes"},
		{"a number alone", strings.NewReader("4711\n"), `reading a request: "4711" is no pair`},
		{"two lines", strings.NewReader("pid=\"1\"\npid=\"2\"\n"), `reading a request: "\npid=\"2\"" after a pair`},
		{"a process of another spelling", strings.NewReader(`pid="04711"` + "\n"), "reading a request: " + errUsage.Error() + `; "04711" is not a process number`},
		{"process 0", strings.NewReader(`pid="0"` + "\n"), "reading a request: " + errUsage.Error() + `; "0" is not a process number`},
		{"an unknown key", strings.NewReader(`pid="1" uid="0"` + "\n"), "reading a request: " + errUsage.Error() + `; "uid" is no part of a request`},
		{"a key of another case", strings.NewReader(`PID="1"` + "\n"), "reading a request: " + errUsage.Error() + `; "PID" is no part of a request`},
		{"an address of another spelling", strings.NewReader(`ip="10.100.42.07"` + "\n"), "reading a request: " + errUsage.Error() + `; "10.100.42.07" is not an IPv4 address`},
		{"two processes", strings.NewReader(`pid="1" pid="2"` + "\n"), "reading a request: " + errUsage.Error() + "; there is more than one pid"},
		{"one process twice", strings.NewReader(`pid="1" pid="1"` + "\n"), "reading a request: " + errUsage.Error() + "; there is more than one pid"},
		{"two names", strings.NewReader(`name="web" pid="1" name="db"` + "\n"), "reading a request: " + errUsage.Error() + "; there is more than one name"},
		{"two addresses", strings.NewReader(`ip="10.100.42.7" ip="10.100.42.8" pid="1"` + "\n"), "reading a request: " + errUsage.Error() + "; there is more than one ip"},
		{
			"a mapping of another spelling", strings.NewReader(`publish="tcp * 080 80"` + "\n"),
			`reading a request: reading the mapping "tcp * 080 80": "080" is not a port, which is a number from 1 to 65535`,
		},
		{
			"a mapping to port 0", strings.NewReader(`publish="tcp * 80 0"` + "\n"),
			`reading a request: reading the mapping "tcp * 80 0": "0" is not a port, which is a number from 1 to 65535`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readRequest(test.in)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %+v, error %v, want %q", got, err, test.want)
			}
		})
	}
}

func FuzzPID(f *testing.F) {
	for _, test := range pidTexts {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, err := parsePID(text)
		switch {
		case err != nil && !errors.Is(err, errUsage):
			t.Errorf("got error %v, want one that says how it is used", err)
		case err == nil && (pid <= 0 || strconv.Itoa(pid) != text):
			t.Errorf("%q is read as %d", text, pid)
		}
		// As an argument it is read no other way.
		r, argErr := parseArgs([]string{text})
		if r.PID != pid || (argErr == nil) != (err == nil) {
			t.Errorf("the argument %q is read as %d, %v, want %d, %v", text, r.PID, argErr, pid, err)
		}
	})
}

// The line is a stranger's: what is believed of it can be said again, and in one way.
func FuzzReadRequest(f *testing.F) {
	r := full()
	f.Add(string(r.line()))
	f.Add("pid=\"1\"\n")
	f.Add("pid='1' name=`web`\n")
	f.Add("pid=\"1\" publish=\"tcp * 0 1\" publish=\"udp :: 1 1\" ip=\"0.0.0.0\"\n")
	f.Fuzz(func(t *testing.T, line string) {
		got, err := readRequest(strings.NewReader(line))
		if err != nil {
			return
		}
		if got.PID <= 0 || got.Name != "" && name.Check(got.Name) != nil || got.Address.IsValid() && !got.Address.Is4() {
			t.Errorf("%q is read as %+v", line, got)
		}
		again, err := readRequest(strings.NewReader(string(got.line())))
		if err != nil {
			t.Fatalf("%q is read, but not as it is said again: %v", line, err)
		}
		if diff := cmp.Diff(got, again, sameAddrs); diff != "" {
			t.Errorf("said again (-first +second):\n%s", diff)
		}
	})
}
