package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unc/internal/tier"
)

// shell is one of the three, and a script that completes the words $1 as if they had been
// typed, with the completions in file $2, and prints what it offers, a line each.
type shell struct{ name, file, script string }

var shells = []shell{
	{"bash", "unc.bash", `
		source "$2"
		COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=() COMP_TYPE=9
		# As readline splits them: at spaces, and : and = are words of their own.
		rest=$1
		while [[ -n $rest ]]; do
			case $rest in
			[[:space:]]*) rest=${rest#?} ;;
			[:=]*) word=${rest%%[^:=]*} rest=${rest#"$word"} COMP_WORDS+=("$word") ;;
			*) word=${rest%%[[:space:]:=]*} rest=${rest#"$word"} COMP_WORDS+=("$word") ;;
			esac
		done
		case $1 in
		*[[:space:]]) COMP_WORDS+=('') ;;
		esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		# After a = or : that ends the line the word to complete is one of them.
		_unc
		printf '%s\n' "${COMPREPLY[@]}"
	`},
	// zsh completes nothing outside of its line editor, so there is one on a terminal: each
	// match is listed on a line of its own by a function in the place of compadd.
	{"zsh", "_unc", `
		zmodload zsh/zpty
		zpty child zsh -f -i
		zpty -w child 'PROMPT= RPROMPT= PS2=; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D'
		zpty -w child "fpath=(${2:h} \$fpath); autoload -Uz _unc; compdef _unc unc"
		zpty -w child 'compadd() {
			if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
			local -a found; builtin compadd -A found "$@"
			local prefix=$IPREFIX
			(( $#found )) && print -rl -- "<"${^found}">" >>$OFFERED
			builtin compadd "$@"
		}'
		zpty -w child 'bindkey "^I" complete-word; zstyle ":completion:*" insert-tab false; zstyle ":completion:*" list-max 0; zstyle ":completion:*" verbose no'
		zpty -w child 'finished() { print done >>$OFFERED.end; zle kill-whole-line; }; zle -N finished; bindkey "^X" finished'
		: >$OFFERED
		mkfifo $OFFERED.end
		zpty -w -n child "$1"$'\t\x18'
		read -r line <$OFFERED.end
		zpty -d child
		sed -n 's/^<\(.*\)>$/\1/p' $OFFERED
	`},
	{"fish", "unc.fish", `
		source $argv[2]
		complete -C $argv[1] | string replace -r '\t.*' ''
		true # whatever there was to replace
	`},
}

// completions are what a shell offers for a line.
func completions(t *testing.T, s shell, dir, line string) []string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(share, "completion", s.file))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", s.script, s.name, line, file}
	switch s.name {
	case "zsh":
		args = append([]string{"-f"}, args...)
	case "fish":
		args = []string{"--no-config", "-c", s.script, line, file}
	}
	cmd := exec.Command(s.name, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + dir + ":/usr/bin:/bin", "HOME=" + t.TempDir(), "TERM=dumb", "LC_ALL=C.UTF-8",
		"OFFERED=" + filepath.Join(t.TempDir(), "offered"),
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v, and on standard error: %s", s.name, err, stderr.String())
	}
	return strings.Fields(string(out))
}

// stub is an unc that knows three containers, and a fourth that has failed.
const stub = `#!/bin/sh
case $* in
"ps --format {{.Name}}") printf 'web\nwiki\ndb\n' ;;
"ps -a --format {{.Name}}") printf 'web\nwiki\ndb\nwreck\n' ;;
*) exit 2 ;;
esac
`

// furnish makes a directory with files to complete, and an unc that knows containers.
func furnish(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"unc": stub, "env-file": "", "rootfs/file": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCompletion(t *testing.T) {
	dir := furnish(t)
	for _, test := range []struct {
		name, line string
		want       []string // all of them are offered
		not        []string // and none of these
	}{
		{"commands", "unc ", []string{"run", "net", "unshare"}, []string{"--rootfs", "env-file"}},
		{"a command", "unc ru", []string{"run"}, []string{"net"}},
		{"flags of unc", "unc --v", []string{"--version"}, []string{"--volume"}},
		{"flags of run", "unc run --ca", []string{"--cap-add", "--cap-drop"}, []string{"--volume", "--rm"}},
		{"flags after flags", "unc run -x --rootfs rootfs -e A=b --cpu", []string{"--cpus", "--cpuset-cpus"}, nil},
		{"flags after letters", "unc run -xw /a --cpu", []string{"--cpus"}, nil},
		{"capabilities", "unc run --cap-add SYS_P", []string{"SYS_PTRACE", "SYS_PACCT"}, []string{"CHOWN"}},
		{"kinds", "unc run --userns k", []string{"keep-id"}, []string{"auto"}},
		{"directories", "unc run --rootfs ", []string{"rootfs"}, []string{"env-file"}},
		{"files", "unc run --env-file e", []string{"env-file"}, []string{"rootfs"}},
		{"files to lend", "unc run -v ro", []string{"rootfs"}, []string{"env-file"}},
		{"networks", "unc run --network n", []string{"none"}, []string{"bridge"}},
		{"nothing to know", "unc run --memory ", nil, []string{"run", "env-file", "--rootfs"}},
		{"a command to run", "unc run -x mkdi", []string{"mkdir"}, []string{"--rootfs"}},
		{"its arguments", "unc run -x cat e", []string{"env-file"}, []string{"--env", "rootfs"}},
		{"not its flags", "unc run cat --rootf", nil, []string{"--rootfs"}},
		{"after dashes", "unc run -- mkdi", []string{"mkdir"}, nil},
		{"commands below", "unc net r", []string{"reload"}, []string{"show"}},
		{"formats", "unc net --format j", []string{"json"}, []string{"table"}},
		// Wherever an argument is a NAME.
		{"a container", "unc attach w", []string{"web", "wiki"}, []string{"db", "wreck"}},
		{"no second container", "unc attach web ", nil, []string{"wiki", "db"}},
		{"a failed container", "unc rm w", []string{"web", "wreck"}, []string{"db"}},
		{"a failed container's log", "unc logs -f -n 3 wr", []string{"wreck"}, []string{"web"}},
		{"another container", "unc stop web w", []string{"wiki"}, []string{"db"}},
		{"a container after a flag", "unc stop -s TERM d", []string{"db"}, []string{"web"}},
		{"signals", "unc stop -s HU", []string{"HUP"}, []string{"TERM"}},
		{"a flag after containers", "unc stop web --sig", []string{"--signal"}, nil},
		{"a container to run in", "unc exec -d w", []string{"web", "wiki"}, nil},
		{"what to run in it", "unc exec web mkdi", []string{"mkdir"}, []string{"wiki"}},
		{"the arguments of that", "unc exec web cat e", []string{"env-file"}, []string{"web"}},
	} {
		for _, s := range shells {
			t.Run(s.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				need(t, s.name)
				got := completions(t, s, dir, test.line)
				for i, word := range got {
					got[i] = strings.TrimSuffix(word, "/")
				}
				for _, word := range test.want {
					if !slices.Contains(got, word) {
						t.Errorf("%q: got %q, want %s among them", test.line, got, word)
					}
				}
				for _, word := range test.not {
					if slices.Contains(got, word) {
						t.Errorf("%q: got %q, want no %s", test.line, got, word)
					}
				}
			})
		}
	}
}

// A value that is joined to its flag, or has a colon in it, is a matter of each shell.
func TestCompletionOfAPart(t *testing.T) {
	dir := furnish(t)
	for _, test := range []struct {
		name, line string
		part, fish []string // bash and zsh offer what is after the = or :
	}{
		{"joined", "unc run --userns=k", []string{"keep-id"}, []string{"--userns=keep-id"}},
		{"containers with a network", "unc run --network container:w", []string{"web", "wiki"}, []string{"container:web", "container:wiki"}},
		{"a directory", "unc run --rootfs=ro", []string{"rootfs"}, []string{"--rootfs=rootfs/"}},
	} {
		for i, want := range [][]string{test.part, test.part, test.fish} {
			s := shells[i]
			t.Run(s.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				need(t, s.name)
				got := completions(t, s, dir, test.line)
				slices.Sort(got)
				got = slices.Compact(got)
				if !slices.Equal(got, want) {
					t.Errorf("%q: got %q, want %q", test.line, got, want)
				}
			})
		}
	}
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		tier.Skip(t, "there is no %s", program)
	}
}

// The pages say nothing that mandoc has to correct.
func TestPagesLint(t *testing.T) {
	need(t, "mandoc")
	pages, err := filepath.Glob(share + "/man/man*/*")
	if err != nil || len(pages) < 4 {
		t.Fatalf("got pages %q, %v", pages, err)
	}
	for _, page := range pages {
		if out, err := exec.Command("mandoc", "-T", "lint", "-W", "warning", page).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
