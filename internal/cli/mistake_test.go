package cli

import (
	"strings"
	"testing"
	"unicode"

	"unc/internal/hint"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct{ line, want, hint string }{
		{"", "no command is given", "unc run sh    # a shell in a new container"},
		{"-- rnu sh", `unknown command "rnu"; did you mean run?`, "unc -- run sh"},
		{"run -- ", "there is no command to run", "unc run --help"},
		{"rnu sh", `unknown command "rnu"; did you mean run?`, "unc run sh"},
		{"sh -c true", `unknown command "sh"`, "unc --help"},
		{"images", noImages, aRootfs},
		{"--verison", "unknown flag --verison; did you mean --version?", "unc --version"},
		{"-p 80 sh", "-p is a flag of run, and goes after it", "unc run -p 80 sh"},
		{"-xv /a:/b sh", "-x is a flag of run, and goes after it", "unc run -xv /a:/b sh"},
		{"-P", "unknown flag -P: without images nothing names ports; -p 80 takes one of the host's that is free", "unc run -p 80 COMMAND"},
		{"run", "there is no command to run", "unc run --help"},
		{"run --volum a:/b sh", "unknown flag --volum; did you mean --volume?", "unc run --volume a:/b sh"},
		{"run --ephemral=true sh", "unknown flag --ephemral; did you mean --ephemeral?", "unc run '--ephemeral=true' sh"},
		{"run --gpus all sh", "unknown flag --gpus: a device is lent by its path", "unc run --device /dev/dri COMMAND"},
		{"run -xj sh", "unknown flag -j; a command of that name goes after --", "unc run --help"},
		{"run -p", "-p takes a value, and there is none: -p [IP:]HOST:CONTAINER[/udp]", "unc run --help"},
		{"run --memory -x sh", "--memory takes a value, and there is none: --memory SIZE", "unc run --help"},
		{"run -m 1k sh", `-m "1k": a container takes at least 6m`, "unc run --help"},
		{"run -m1k sh", `-m "1k": a container takes at least 6m`, "unc run --help"},
		{"run --memory=1k sh", `--memory "1k": a container takes at least 6m`, "unc run --help"},
		{"run -x -u 1 --ip here sh", `--ip "here": it is not an IP address`, "unc run --help"},
		{"run --dns 192.0.2.1,here sh", `--dns "192.0.2.1,here": it is not an IP address`, "unc run --help"},
		{"run --no-init=so sh", `--no-init "so": it is neither true nor false`, "unc run --help"},
		{"run --add-host a sh", `--add-host "a": it is not a name, a colon and an address`, "unc run --help"},
		{"run --memory-swap -1 sh", "--memory-swap means nothing without --memory", "unc run --help"},
		{"run --userns kepe-id sh", `--userns "kepe-id": did you mean keep-id? there are auto, single and keep-id`, "unc run --userns keep-id sh"},
		{"stop -s nosuch web", `-s "nosuch": there is no such signal`, "kill -l    # lists them"},
		{"kill --signal 65 -a", `--signal "65": there is no signal 65`, "unc kill --help"},
		{"logs -f --tail=few web", `--tail "few": it is no number of lines, nor all`, "unc logs --help"},
		{"logs WEB", `"WEB" is no name for a container: that is up to 63 of a-z, 0-9, - and _, with no - at either end`, "unc logs --help"},
		{"port web http", `"http" is no port, such as 80 or 53/udp`, "unc port --help"},
		{"ps --format {{.Name", `--format "{{.Name": template: format:1: unclosed action`, "unc ps --help"},
		{"inspect --format table web", `--format "table": a table is what ps prints`, `unc ps -a --format 'table {{.Name}}\t{{.Status}}'`},
		{"exec -w here -e =a web", `-w "here": it is not an absolute path inside the container`, "unc exec --help"},
		{"net show more", `unknown argument "more" of unc net show`, "unc net show --help"},
		{"net relod", `unknown argument "relod" of unc net; did you mean reload?`, "unc net reload"},
		{"net --fromat json", "unknown flag --fromat; did you mean --format?", "unc net --format json"},
	} {
		t.Run(test.line, func(t *testing.T) {
			args := strings.Fields(test.line)
			parser, _, err := parse(args)
			if err == nil {
				t.Fatal("got a line that is understood, want one that is not")
			}
			err = explain(parser.Model.Node, args, err)
			if got := err.Error(); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
			if got := hint.Of(err); len(got) == 0 || got[0] != test.hint {
				t.Errorf("got hints %q, want %q first", got, test.hint)
			}
		})
	}
}

// What unc has instead of what others have is a line that it understands.
func TestElsewhere(t *testing.T) {
	seen := map[string]bool{}
	for _, other := range elsewhere {
		if seen[other.typed] {
			t.Errorf("%s is there twice", other.typed)
		}
		seen[other.typed] = true
		args := strings.Fields(other.typed)
		if strings.HasPrefix(other.typed, "-") {
			args = []string{"run", other.typed, "sh"}
		}
		if err := understood(args); err == nil {
			t.Errorf("%s: unc has that", other.typed)
		}
		if other.hint != "" && !strings.HasSuffix(other.hint, "--help") && !strings.HasSuffix(other.hint, "--version") {
			line := strings.NewReplacer("NAME", "web", "SIZE", "64m", "ADDRESS", "10.100.42.7").Replace(other.hint)
			if err := understood(strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: got error %q about %s, want a line that is understood", other.typed, err, other.hint)
			}
		}
	}
}

// Where kong understands all, there is no mistake to be found.
func FuzzRetrace(f *testing.F) {
	for _, line := range []string{
		"run sh", "run -xp 80 -m64m sh -c", "run -- -x", "net --format json", "net show", "unshare -x", "run --memory-swap -1 -", "run -x=1 -",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Fields(line)
		for _, arg := range args {
			if !strings.HasPrefix(arg, "--") && strings.LastIndexByte(arg, '-') > 0 {
				t.Skip() // to kong, the second dash of -x-a is a flag, and then the --
			}
			// A flag without a name, which kong does not see as one.
			if bare := strings.TrimLeft(arg, "-"); bare != arg && bare != "" && !unicode.IsLetter(rune(bare[0])) {
				t.Skip()
			}
			// What is shown ends the parsing.
			if strings.HasPrefix(arg, "-") && (strings.Contains(arg, "h") || strings.HasPrefix(arg, "--version")) {
				t.Skip()
			}
		}
		parser := newParser(&grammar{})
		_, err := parser.Parse(args)
		r := retrace(parser.Model.Node, args)
		if err == nil && r.wrong != none {
			t.Errorf("got mistake %v at %d in %q, want none", r.wrong, r.at, args)
		}
		if err != nil && explain(parser.Model.Node, args, err).Error() == "" {
			t.Errorf("got nothing said about %q", args)
		}
	})
}
