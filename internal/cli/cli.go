package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"unc/internal/netplumb"
	"unc/internal/resolvconf"
)

// grammar is the whole command line.
type grammar struct {
	Run     runCmd           `cmd:"" help:"Run a command in a new container."`
	Exec    execCmd          `cmd:"" help:"Run one more command in a container that runs."`
	Ps      psCmd            `cmd:"" help:"List your containers."`
	Logs    logsCmd          `cmd:"" help:"Show what a detached container has written."`
	Attach  attachCmd        `cmd:"" help:"Watch a detached container, and type into it."`
	Stop    stopCmd          `cmd:"" help:"Ask containers to end, and after a while make them."`
	Kill    killCmd          `cmd:"" help:"Send containers' commands a signal: SIGKILL, or another."`
	Wait    waitCmd          `cmd:"" help:"Wait until containers have ended, and show their exit codes."`
	Port    portCmd          `cmd:"" help:"Show where a container's ports are published."`
	Inspect inspectCmd       `cmd:"" help:"Show all that is known of containers."`
	Rm      rmCmd            `cmd:"" help:"Forget detached containers that have failed."`
	Unshare unshareCmd       `cmd:"" help:"Run a command, without a container, as root of the ids that yours have: to make, change and remove trees of files of theirs."`
	Net     netCmd           `cmd:"" help:"Show the containers' network: bridge, addresses, names, published ports."`
	Doctor  doctorCmd        `cmd:"" help:"Look for what keeps unc from working here, and say which commands help."`
	Version kong.VersionFlag `help:"Show the version and exit."`
}

// command is one of the grammar.
type command interface {
	run() (code int, err error)
}

// checkCommand refuses a command that begins with a dash: to kong, a flag that it does
// not know is the first of the arguments that it passes on.
func checkCommand(args []string) error {
	switch command := afterDashes(args); {
	case len(command) == 0:
		return errors.New("there is no command to run")
	case len(command) == len(args) && strings.HasPrefix(command[0], "-"):
		return fmt.Errorf("unknown flag %s; a command of that name goes after --", command[0])
	}
	return nil
}

// afterDashes is what follows the flags, or a "--" that ends them.
func afterDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}

// Exit codes of unc's own, as Docker and podman have them. All others are the command's.
const (
	exitFailed        = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// description is what unc is, in a sentence.
const description = "Containers with a real network, for users without root."

// helpShown ends parsing after --help or --version have printed what they have to.
type helpShown struct{}

// Main parses the arguments, runs the command they name, prints what went wrong,
// and returns the exit code.
func Main(args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helpShown); !ok {
				panic(r)
			}
			code = 0
		}
	}()
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	early, err := beginEarly(args)
	if err != nil {
		return Fail(err)
	}
	parser, parsed, err := parse(args)
	if err != nil {
		return Fail(explain(parser.Model.Node, args, err))
	}
	c := parsed.Selected().Target.Addr().Interface().(command)
	if r, isRun := c.(*runCmd); isRun {
		r.early = early
	}
	if code, err = c.run(); err != nil {
		return Fail(spell(err, read(parser.Model.Node, args).flags))
	}
	return code
}

// parse reads the arguments, with the parser that has read them. kong looks at every tag of
// a grammar first; so that a start does not take longer for each command that there is, run
// is tried with a grammar of its own. What that does not understand, all of it explains.
func parse(args []string) (*kong.Kong, *kong.Context, error) {
	if len(args) > 0 && args[0] == "run" {
		parser := newParser(&struct {
			Run runCmd `cmd:""`
		}{}, kong.NoDefaultHelp())
		if parsed, err := parser.Parse(args); err == nil {
			return parser, parsed, nil
		}
	}
	parser := newParser(&grammar{}, kong.Help(printHelp))
	parsed, err := parser.Parse(args)
	return parser, parsed, err
}

func newParser(grammar any, options ...kong.Option) *kong.Kong {
	parser, err := kong.New(grammar, append(options,
		kong.Name("unc"), kong.Description(description), kong.Vars{"version": Version()},
		kong.KindMapper(reflect.String, kong.MapperFunc(takeText)),
		kong.Exit(func(int) { panic(helpShown{}) }))...)
	if err != nil {
		panic(err) // the grammar itself is wrong
	}
	return parser
}

// takeText takes an argument as it is. kong's own mapper takes it through JSON, which makes
// something else of what is no UTF-8: a file's name may be any bytes.
func takeText(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err == nil {
		target.SetString(fmt.Sprint(token.Value))
	}
	return err
}

// beginEarly starts net-setup, which takes longer to start than all of the
// command line to parse, when that will very likely ask for it. One that is not
// needed sees the end of its input and has touched nothing.
func beginEarly(args []string) (*netplumb.Helper, error) {
	otherNetwork := func(arg string) bool { return strings.HasPrefix(arg, "--network") }
	if len(args) < 2 || args[0] != "run" || args[1] == "--help" || args[1] == "-h" || os.Geteuid() == 0 ||
		isFront(args) || slices.ContainsFunc(args, otherNetwork) {
		return nil, nil
	}
	return netplumb.Begin()
}

// NetSetup is the net-setup stage: it prints the network as one line of JSON. The
// unc that began it gets an answer in a form of its own, errors included, which
// it prints itself.
func NetSetup(args []string) int {
	result, err := netplumb.Setup(args)
	if len(args) == 1 && args[0] == netplumb.FromStdin {
		// Who asked may be gone by now; then there is nobody to tell.
		if gone := netplumb.Answer(1, result.Network, err); gone != nil || err != nil {
			return exitFailed
		}
		return 0
	}
	if err != nil {
		return Fail(err)
	}
	var text []byte
	if n := result.Network; n != nil {
		// Not by Setup: reading them takes no privilege.
		var host resolvconf.Config
		if host, err = resolvconf.Reachable(); err == nil {
			n.Resolvers, n.Search, n.Options = host.Servers, host.Search, host.Options
			text, err = json.Marshal(n)
		}
	} else if result.Status != nil {
		text, err = json.Marshal(result.Status)
	} else if result.Checkup != nil {
		text, err = json.Marshal(result.Checkup)
	}
	if err == nil && text != nil {
		_, err = unix.Write(1, append(text, '\n'))
	}
	if err != nil {
		return Fail(fmt.Errorf("printing the network: %w", err))
	}
	return 0
}

// Version tells what was built: a release, or the commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unc (no build information)"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return "unc " + version + " " + info.GoVersion
}
