package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// callersVariables are what -e and --env-file can take over, besides environment.
var callersVariables = []string{"ONE=caller's", "EMPTY=", "APP_ONE=1", "APP_TWO=2=3", "APPLE=no"}

// Of the caller's environment arrives what is asked for, and nothing else.
func TestTheEnvironmentIsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	dir := newDir(t, h.alice)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	first := file("first", "# a comment\n\n  INDENTED=1\nQUOTED=\"as it stands\" # and this\r\nONE\nAPP_*\nNOT_THERE\nTWICE=first\n")
	second := file("second", "TWICE=second\nHOME=/opt")
	for _, test := range []struct {
		name  string
		flags []string
		want  []string // besides what each container has; of one name the last counts
	}{
		{"a value", []string{"-e", "A=b c=d"}, []string{"A=b c=d"}},
		{"an empty one", []string{"--env", "A="}, []string{"A="}},
		{"one of the caller's", []string{"-e", "ONE"}, []string{"ONE=caller's"}},
		{"an empty one of the caller's", []string{"-e", "EMPTY"}, []string{"EMPTY="}},
		{"one that the caller has not", []string{"-e", "NOT_THERE"}, nil},
		{"all of a kind", []string{"-e", "APP_*"}, []string{"APP_ONE=1", "APP_TWO=2=3"}},
		{"a star that is a value", []string{"-e", "A=*"}, []string{"A=*"}},
		{"the last of several", []string{"-e", "A=1", "-e", "ONE", "-e", "A=2", "-e", "ONE=mine"}, []string{"A=2", "ONE=mine"}},
		{"instead of unc's own", []string{"-e", "HOME=/opt", "-e", "TERM=vt52"}, []string{"HOME=/opt", "TERM=vt52"}},
		{"the caller's search path", []string{"-e", "PATH"}, environment[:1]},
		{
			"a file",
			[]string{"--env-file", first},
			[]string{"INDENTED=1", `QUOTED="as it stands" # and this`, "ONE=caller's", "APP_ONE=1", "APP_TWO=2=3", "TWICE=first"},
		},
		{
			"files, and a flag before them",
			[]string{"-e", "INDENTED=2", "--env-file", first, "--env-file", second},
			[]string{
				"INDENTED=2", `QUOTED="as it stands" # and this`, "ONE=caller's", "APP_ONE=1", "APP_TWO=2=3", "TWICE=second", "HOME=/opt",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs, "--hostname", "box"}, test.flags...)
			cmd := h.unc(h.alice, append(args, "env")...)
			cmd.Env = append(slices.Clone(environment), callersVariables...)
			got := strings.Split(strings.TrimSuffix(h.run(cmd).works(t), "\n"), "\n")
			want := []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "HOSTNAME=box"}
			for _, variable := range test.want {
				name, _, _ := strings.Cut(variable, "=")
				want = slices.DeleteFunc(want, func(v string) bool { return strings.HasPrefix(v, name+"=") })
				want = append(want, variable)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A pipe is as good as a file: what it says need not lie anywhere.
func TestAnEnvironmentFromAPipe(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	cmd := h.as(h.alice, "sh", "-c", `echo SECRET=x | "$@" 3<&0 </dev/null`, "sh",
		unc, "run", "--network", "none", "--rootfs", rootfs, "--env-file", "/dev/fd/3", "sh", "-c", "echo $SECRET")
	if got := h.run(cmd).works(t); got != "x\n" {
		t.Errorf("got %q, want what came through the pipe", got)
	}
}

func TestAnEnvironmentThatIsRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	dir := newDir(t, h.bob)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	for _, test := range []struct {
		name string
		flag string
		says []string
	}{
		{"no name", write("no-name", "A=1\n\n=x\n", 0o644), []string{"/no-name", "line 3: ", "there is no name"}},
		{"a name with a space", write("space", "export A=1\n", 0o644), []string{"/space", "line 1: ", `"export A"`, "a space"}},
		{"a zero byte", write("zero", "A=1\x002\n", 0o644), []string{"/zero", "line 1: ", "zero byte"}},
		{"another's", write("closed", "A=1\n", 0o000), []string{"/closed", "permission denied"}},
		{"a directory", dir, []string{dir, "is a directory"}},
		{"one without an end", "/dev/zero", []string{"/dev/zero", "larger than"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--env-file", test.flag, "true")).fails(t, append(test.says, "--env-file")...)
		})
	}
}

// The command is looked for where the container's own PATH leads, not the caller's.
func TestTheCommandIsFoundInTheContainersPath(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	must(t, os.MkdirAll(filepath.Join(rootfs, "opt/tools"), 0o755))
	must(t, makeScript(filepath.Join(rootfs, "opt/tools/tool"), "#!/bin/sh\necho of tools\n"))
	giveTo(t, h.alice, rootfs)
	file := filepath.Join(newDir(t, h.alice), "path")
	must(t, os.WriteFile(file, []byte("PATH=/opt/tools:/bin\n"), 0o644))
	for _, test := range []struct {
		name, caller string
		flags        []string
		code         int
	}{
		{"nowhere", "/usr/bin:/bin:/opt/tools", nil, 127},
		{"in -e PATH", "/usr/bin:/bin", []string{"-e", "PATH=/bin:/opt/tools"}, 0},
		{"in the caller's", "/usr/bin:/bin:/opt/tools", []string{"-e", "PATH"}, 0},
		{"in a file's", "/usr/bin:/bin", []string{"--env-file", file}, 0},
		{"in the last", "/usr/bin:/bin", []string{"--env-file", file, "-e", "PATH=/bin"}, 127},
		{"in the working directory", "/usr/bin:/bin", []string{"-w", "/opt/tools", "-e", "PATH=/bin:."}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs}, test.flags...)
			cmd := h.unc(h.alice, append(args, "tool")...)
			cmd.Env = append(slices.Clone(environment[1:]), "PATH="+test.caller)
			switch got := h.run(cmd); {
			case got.code != test.code:
				t.Errorf("exit code %d, want %d: %s%s", got.code, test.code, got.stdout, got.stderr)
			case got.code == 0 && got.stdout != "of tools\n":
				t.Errorf("got %q, want what the tool says", got.stdout)
			}
		})
	}
}
