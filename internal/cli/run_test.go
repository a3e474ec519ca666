package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/idmap"
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

// specOf is what a command line asks for, without a terminal.
func specOf(t *testing.T, args ...string) *nsexec.Spec {
	t.Helper()
	var r runCmd
	parser, err := kong.New(&r, kong.Exit(func(int) { t.Fatal("the parser ended the program") }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, err := r.spec(&container{name: "web_1", console: &terminal{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpec(t *testing.T) {
	rootfs := t.TempDir()
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	env := []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "HOSTNAME=box"}
	home := slices.Concat([]string{"HOME=/"}, env[1:])
	single := idmap.Single(uid, gid, 0, 0)
	for _, test := range []struct {
		name string
		args []string
		want nsexec.Spec // less what every one has
	}{
		{
			"a rootfs",
			[]string{"--rootfs", rootfs, "--no-init", "sh", "-c", "true"},
			nsexec.Spec{Rootfs: rootfs, NoInit: true, Args: []string{"sh", "-c", "true"}},
		},
		{"outside of any rootfs", []string{"sh"}, nsexec.Spec{Args: []string{"sh"}}},
		{"two dashes before the command", []string{"--", "sh", "--"}, nsexec.Spec{Args: []string{"sh", "--"}}},
		{
			"files",
			[]string{"--read-only", "-x", "-w", "/a/../b", "--tmpfs", "/t:size=1m", "-v", rootfs + ":/v:ro", "sh"},
			nsexec.Spec{
				ReadOnly: true, Ephemeral: true, Workdir: "/b", Args: []string{"sh"},
				Mounts: []nsexec.Mount{
					{Kind: nsexec.Bind, Source: rootfs, Target: "/v", ReadOnly: true},
					{Kind: nsexec.Tmpfs, Target: "/t", Size: "1m", Mode: 0o1777, NoExec: true},
				},
			},
		},
		{
			"a user",
			[]string{"--rootfs", rootfs, "-u", "7:8", "sh"},
			nsexec.Spec{Rootfs: rootfs, IDs: idmap.Single(uid, gid, 7, 8), User: nsexec.User{UID: 7, GID: 8}, Args: []string{"sh"}, Env: home},
		},
		{
			"environment",
			[]string{"-e", "A=1", "-e", "HOME=/a", "sh"},
			nsexec.Spec{Args: []string{"sh"}, Env: slices.Concat([]string{"HOME=/a"}, env[1:], []string{"A=1"})},
		},
		{
			"limits",
			[]string{"--ulimit", "core=0", "sh"},
			nsexec.Spec{Args: []string{"sh"}, Limits: []nsexec.Limit{{Resource: unix.RLIMIT_CORE}}},
		},
		{
			"capabilities",
			[]string{"--cap-drop", "all", "--cap-add", "chown", "sh"},
			nsexec.Spec{Args: []string{"sh"}, Capabilities: 1 << unix.CAP_CHOWN, Ambient: 1 << unix.CAP_CHOWN},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			got := specOf(t, append([]string{"--hostname", "box", "--userns", "single"}, test.args...)...)
			test.want.Hostname, test.want.KeysRefused = "box", true
			if len(got.Filter) == 0 {
				t.Error("got no seccomp filter, want one")
			}
			got.Filter = nil
			if test.want.Capabilities == 0 {
				test.want.Capabilities = nsexec.DefaultCapabilities
			}
			if test.want.IDs.UIDs == nil {
				test.want.IDs = single
			}
			if test.want.Env == nil {
				test.want.Env = env
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpecUnconfined(t *testing.T) {
	if s := specOf(t, "--security-opt", "seccomp=unconfined", "sh"); len(s.Filter) > 0 {
		t.Errorf("got a seccomp filter of %d instructions, want none", len(s.Filter))
	} else if s.KeysRefused {
		t.Error("got a spec whose keys are refused, by no filter")
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
			r := runCmd{Command: test.command, Remove: true}
			r.Network = bridged // the default, which the parser puts in
			if err := r.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// Without --hostname a container is called by its name, as far as hostname(7) allows.
func TestHostnameIsTheName(t *testing.T) {
	for name, want := range map[string]string{"web": "web", "web_1": "web-1", "_a_": "a", "__": "unc"} {
		if got := hostnameFor(name); got != want {
			t.Errorf("%s: got hostname %q, want %q", name, got, want)
		}
	}
	if got := specOf(t, "sh").Hostname; got != "web-1" {
		t.Errorf("got hostname %q, want the container's name", got)
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
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"the command is there", []string{"only-here"}, "."},
		{"it is not", []string{"another"}, ""},
		{"another rootfs is named", []string{"--rootfs", "/srv/box", "only-here"}, "/srv/box"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := specOf(t, test.args...)
			if s.Rootfs != test.want {
				t.Errorf("got rootfs %q, want %q", s.Rootfs, test.want)
			}
		})
	}
}
