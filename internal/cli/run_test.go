package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/nsexec"
)

func TestIsTermName(t *testing.T) {
	for _, test := range []struct {
		name string
		want bool
	}{
		{"xterm", true},
		{"xterm-256color", true},
		{"screen.linux", true},
		{"xterm+256setaf", true},
		{strings.Repeat("x", 64), true},
		{strings.Repeat("x", 65), false},
		{"", false},
		{".", false},
		{"..", false},
		{"../../etc/passwd", false},
		{"a/b", false},
		{"a b", false},
		{"a\nb", false},
		{"xterm;", false},
		{";xterm", false},
		{"x;m", false},
		{"x\x00m", false},
		{"xtérm", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := isTermName(test.name); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTermKind(t *testing.T) {
	for _, test := range []struct {
		name, term string
		terminal   *terminal
		want       string
	}{
		{"no terminal", "xterm-256color", &terminal{}, "dumb"},
		{"the caller's", "xterm-256color", &terminal{out: os.Stdout}, "xterm-256color"},
		{"none named", "", &terminal{out: os.Stdout}, "xterm"},
		{"no name", "../x", &terminal{out: os.Stdout}, "xterm"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TERM", test.term)
			if got := test.terminal.kind(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSpec(t *testing.T) {
	const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, test := range []struct {
		name string
		cmd  runCmd
		want nsexec.Spec
	}{
		{
			"all given",
			runCmd{Rootfs: "/srv/box", Hostname: "box", NoInit: true, Command: []string{"sh", "-c", "true"}},
			nsexec.Spec{
				Rootfs: "/srv/box", Hostname: "box", NoInit: true, Args: []string{"sh", "-c", "true"},
				Env: []string{"HOME=/root", path, "TERM=dumb", "HOSTNAME=box"},
			},
		},
		{
			"nothing given, outside of any rootfs",
			runCmd{Hostname: "box", Command: []string{"sh"}},
			nsexec.Spec{Hostname: "box", Args: []string{"sh"}, Env: []string{"HOME=/root", path, "TERM=dumb", "HOSTNAME=box"}},
		},
		{
			"two dashes before the command",
			runCmd{Hostname: "box", Command: []string{"--", "sh", "--"}},
			nsexec.Spec{Hostname: "box", Args: []string{"sh", "--"}, Env: []string{"HOME=/root", path, "TERM=dumb", "HOSTNAME=box"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			got := test.cmd.spec(&terminal{})
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

// To kong, a flag that it does not know is the command.
func TestRunValidate(t *testing.T) {
	for _, test := range []struct {
		name    string
		command []string
		want    string
	}{
		{"a command", []string{"sh"}, ""},
		{"with flags of its own", []string{"sh", "-c", "true"}, ""},
		{"with dashes of its own", []string{"sh", "--"}, ""},
		{"after two dashes", []string{"--", "sh"}, ""},
		{"one with a dash, after two dashes", []string{"--", "-sh"}, ""},
		{"nothing", nil, "there is no command to run"},
		{"two dashes and nothing", []string{"--"}, "there is no command to run"},
		{"an unknown flag", []string{"--rootf", "DIR", "sh"}, "unknown flag --rootf; a command of that name goes after --"},
		{"an unknown short flag", []string{"-x"}, "unknown flag -x; a command of that name goes after --"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := (&runCmd{Command: test.command}).Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

func TestHostnameIsDrawn(t *testing.T) {
	form := regexp.MustCompile(`^unc-[0-9a-f]{8}$`)
	seen := map[string]bool{}
	for range 10 {
		s := (&runCmd{Command: []string{"sh"}}).spec(&terminal{})
		if !form.MatchString(s.Hostname) || seen[s.Hostname] {
			t.Errorf("got hostname %q, want a new match of %v", s.Hostname, form)
		}
		seen[s.Hostname] = true
	}
}

// The current directory is the root if it holds one with the command in it.
func TestSpecInARootfs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"proc", "dev", "bin"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/only-here"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, test := range []struct{ name, rootfs, command, want string }{
		{"the command is there", "", "only-here", "."},
		{"it is not", "", "another", ""},
		{"another rootfs is named", "/srv/box", "only-here", "/srv/box"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := (&runCmd{Rootfs: test.rootfs, Command: []string{test.command}}).spec(&terminal{})
			if s.Rootfs != test.want {
				t.Errorf("got rootfs %q, want %q", s.Rootfs, test.want)
			}
		})
	}
}
