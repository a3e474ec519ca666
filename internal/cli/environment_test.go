package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestEnvironment(t *testing.T) {
	for _, entry := range [][2]string{
		{"UNC_TEST_A", "a of the caller"}, {"UNC_TEST_B", "b=b"}, {"UNC_TEST_EMPTY", ""}, {"GOTRACEBACK", "none"},
	} {
		t.Setenv(entry[0], entry[1])
	}
	base := []string{"HOME=/root", "PATH=/bin"}
	for _, test := range []struct {
		name  string
		files []string
		flags []string
		want  []string
	}{
		{"nothing", nil, nil, base},
		{"a value", nil, []string{"A=1"}, []string{"HOME=/root", "PATH=/bin", "A=1"}},
		{"no value", nil, []string{"A="}, []string{"HOME=/root", "PATH=/bin", "A="}},
		{"a value with anything in it", nil, []string{"A= b=c, *d\n"}, []string{"HOME=/root", "PATH=/bin", "A= b=c, *d\n"}},
		{"in place of what every container has", nil, []string{"PATH=/opt", "HOME="}, []string{"HOME=", "PATH=/opt"}},
		{"the last counts", nil, []string{"A=1", "B=2", "A=3"}, []string{"HOME=/root", "PATH=/bin", "A=3", "B=2"}},
		{"the caller's", nil, []string{"UNC_TEST_B"}, []string{"HOME=/root", "PATH=/bin", "UNC_TEST_B=b=b"}},
		{"the caller's, empty", nil, []string{"UNC_TEST_EMPTY"}, []string{"HOME=/root", "PATH=/bin", "UNC_TEST_EMPTY="}},
		{"the caller has none", nil, []string{"UNC_TEST_NONE"}, base},
		{"the caller has none, and it stays as it was", nil, []string{"UNC_TEST_NONE=1", "UNC_TEST_NONE"}, []string{"HOME=/root", "PATH=/bin", "UNC_TEST_NONE=1"}},
		{"all that begin so", nil, []string{"UNC_TEST_*"}, []string{"HOME=/root", "PATH=/bin", "UNC_TEST_A=a of the caller", "UNC_TEST_B=b=b", "UNC_TEST_EMPTY="}},
		{"none begins so", nil, []string{"UNC_TEST_X*"}, base},
		{"what Go has set", nil, []string{"GOTRACE*"}, base},
		{"what Go has set, by its name", nil, []string{"GOTRACEBACK"}, base},
		{"a star in a name with a value", nil, []string{"UNC_*=1"}, []string{"HOME=/root", "PATH=/bin", "UNC_*=1"}},
		{
			"a file",
			[]string{"A=1\n\n# A=2\n  # A=3\n  B=4 \nUNC_TEST_B\r\nC=\"5\"\r\nD=# 6"},
			nil,
			[]string{"HOME=/root", "PATH=/bin", "A=1", "B=4 ", "UNC_TEST_B=b=b", `C="5"`, "D=# 6"},
		},
		{"a file's prefix", []string{"UNC_TEST_E*\n"}, nil, []string{"HOME=/root", "PATH=/bin", "UNC_TEST_EMPTY="}},
		{
			"a later file counts more, and a flag most",
			[]string{"A=1\nB=1\nC=1\n", "B=2\nC=2\n"},
			[]string{"C=3"},
			[]string{"HOME=/root", "PATH=/bin", "A=1", "B=2", "C=3"},
		},
		{"an empty file", []string{""}, nil, base},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := environmentFlags{Env: test.flags}
			for _, text := range test.files {
				f.EnvFile = append(f.EnvFile, envFile(t, text))
			}
			if err := f.Validate(); err != nil {
				t.Fatal(err)
			}
			got, err := f.environment(base)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func envFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvironmentRefuses(t *testing.T) {
	for _, test := range []struct {
		name        string
		file, flags string
		want        string
	}{
		{"no name", "", "=1", `--env "=1": there is no name before "=1"`},
		{"nothing", "", "", `--env "": there is no name before ""`},
		{"a space in the name", "", "A B=1", `--env "A B=1": the name "A B" has a space in it`},
		{"a zero byte", "", "A=\x00", `--env "A=\x00": the value of "A" has a zero byte in it`},
		{"no name in a file", "A=1\n\n=2\n", "", `--env-file "env": line 3: there is no name before "=2"`},
		{"a space in a file's name", "A=1\nexport B=2\n", "", `--env-file "env": line 2: the name "export B" has a space in it`},
		{"a file too large", "A=" + strings.Repeat("x", maxEnvFile), "", `--env-file "env": reading "env": it is larger than 4194304 bytes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := environmentFlags{Env: []string{test.flags}}
			path := ""
			if test.file != "" {
				path = envFile(t, test.file)
				f = environmentFlags{EnvFile: []string{path}}
			}
			err := f.Validate()
			if err == nil {
				_, err = f.environment(nil)
			}
			if err == nil {
				t.Fatalf("got no error, want %q", test.want)
			}
			if got := strings.ReplaceAll(err.Error(), path, "env"); path != "" && got != test.want || path == "" && err.Error() != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNoEnvironmentFile(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ path, want string }{
		{dir + "/missing", `--env-file "` + dir + `/missing": opening "` + dir + `/missing": no such file or directory`},
		{dir, `--env-file "` + dir + `": reading "` + dir + `": is a directory`},
	} {
		f := environmentFlags{EnvFile: []string{test.path}}
		if _, err := f.environment(nil); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}

// As <(a program) has it.
func TestEnvironmentFromFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { written <- os.WriteFile(path, []byte("A=1\n"), 0) }()
	f := environmentFlags{EnvFile: []string{path}}
	got, err := f.environment(nil)
	if diff := cmp.Diff([]string{"A=1"}, got); err != nil || diff != "" {
		t.Errorf("%v, environment (-want +got):\n%s", err, diff)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func FuzzEnvironmentFile(f *testing.F) {
	f.Add("A=1\n#\n B = 2\nC\nD*\n=\n")
	f.Add("HOME=\r\nHOME=/x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		e := newEnvironment([]string{"HOME=/root"})
		caller := []string{"C=caller's", "D1=1", "D2=2", "=odd", "SECRET=1"}
		err := e.addFile(text, caller)
		seen := make(map[string]bool)
		for _, variable := range e.list {
			name, value, ok := strings.Cut(variable, "=")
			if !ok || name == "" || strings.ContainsAny(name, " \t\r\n\x00") || strings.ContainsAny(value, "\n\x00") {
				t.Errorf("%q is no variable", variable)
			}
			if seen[name] {
				t.Errorf("%q is there twice", name)
			}
			seen[name] = true
			if name == "SECRET" && value == "1" && !strings.ContainsAny(text, "*S") {
				t.Errorf("got %q, which nobody asked for", variable)
			}
		}
		if err == nil && strings.Contains(text, "\x00") && !strings.Contains(text, "#") {
			t.Errorf("got %q, want an error for the zero byte", e.list)
		}
	})
}
