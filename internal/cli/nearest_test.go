package cli

import "testing"

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		want       int
	}{
		{"nothing", "", "", 0},
		{"the same", "run", "run", 0},
		{"from nothing", "", "run", 3},
		{"to nothing", "run", "", 3},
		{"one more", "run", "runn", 1},
		{"one less", "unshare", "unshre", 1},
		{"another", "run", "ran", 1},
		{"swapped", "rnu", "run", 1},
		{"swapped, and one more", "rnuu", "run", 2},
		{"two swapped", "brigde", "bridge", 1},
		{"all others", "abc", "xyz", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := distance(test.a, test.b); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	commands := []string{"run", "exec", "ps", "inspect", "logs", "attach", "stop", "kill", "wait", "port", "rm", "net", "unshare", "doctor"}
	flags := []string{"--memory", "--memory-swap", "--network", "--volume", "--name", "--no-init", "--ip"}
	for _, test := range []struct {
		typed string
		words []string
		want  string
	}{
		{"rnu", commands, "run"},
		{"runn", commands, "run"},
		{"insp", commands, "inspect"},
		{"inpsect", commands, "inspect"},
		{"docter", commands, "doctor"},
		{"frob", commands, ""},
		{"x", commands, ""},
		{"", commands, ""},
		{"--volum", flags, "--volume"},
		{"--volumes", flags, "--volume"},
		{"--mem", flags, "--memory"},
		{"--memory_swap", flags, "--memory-swap"},
		{"--net", flags, "--network"},
		{"--frob", flags, ""},
	} {
		t.Run(test.typed, func(t *testing.T) {
			if got := nearest(test.typed, test.words); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
