package idmap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
)

func TestArguments(t *testing.T) {
	got := arguments(4711, []Range{{0, 1000, 1}, {1, 100000, 65536}, {65537, maxID, 1}})
	want := []string{"4711", "0", "1000", "1", "1", "100000", "65536", "65537", "4294967294", "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// Each script stands in for newuidmap.
func TestProcess(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"all is well", "exit 0", ""},
		{"a warning", "echo newuidmap: so so >&2", ""},
		{"a reason", "echo 'newuidmap: uid range [0-1) -> [5-6) not allowed' >&2; exit 1", `uid range [0-1) -> [5-6) not allowed`},
		{"a sentence", "echo 'newgidmap: Cannot determine your user name.' >&2; exit 1", `Cannot determine your user name`},
		{"two lines", "echo; echo first >&2; echo second >&2; exit 1", "first"},
		{"not a word", "exit 3", "it ended with code 3"},
		{"a signal", "kill -9 $$", "it was ended by signal 9"},
		{"more than anybody reads", "while :; do echo 0123456789; done", "0123456789"},
		{"no environment", `[ -z "$(cat /proc/$$/environ)" ] || { echo something; exit 1; }`, ""},
		{"nothing to read", `read x <&0 && echo "read $x" || exit 0; exit 1`, ""},
		{"no descriptors", `for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || [ "$(readlink /proc/$$/fd/$fd)" = "$0" ] || { ls -l /proc/$$/fd; exit 1; }; done`, ""},
		{"its arguments", `[ "$*" = "1 2" ] || { echo "$@"; exit 1; }`, ""},
		{"the directory", `[ "$(pwd)" = / ]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("SECRET", "not for others")
			path := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			p, err := start(path, "mapping user ids", []string{"1", "2"})
			if err != nil {
				t.Fatal(err)
			}
			err = p.wait()
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got no error, want %q", test.want)
			}
			if got := strings.TrimPrefix(err.Error(), `mapping user ids with "`+path+`": `); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff([]string{single}, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStartOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	_, err := start(path, "mapping user ids", nil)
	want := `mapping user ids: starting "` + path + `": no such file or directory`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestWaitReturnsTheFirstError(t *testing.T) {
	w := new(Writing)
	for _, script := range []string{"exit 0", "echo first; exit 1", "echo second; exit 1"} {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		p, err := start(path, "mapping", nil)
		if err != nil {
			t.Fatal(err)
		}
		w.helpers = append(w.helpers, p)
	}
	err := w.Wait()
	if err == nil || !strings.HasSuffix(err.Error(), ": first") {
		t.Errorf("got %v, want the first error", err)
	}
}
