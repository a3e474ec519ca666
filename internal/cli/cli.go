package cli

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
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

// Main takes it for granted of all that kong can have selected.
var (
	_ command = (*runCmd)(nil)
	_ command = (*execCmd)(nil)
	_ command = (*psCmd)(nil)
	_ command = (*logsCmd)(nil)
	_ command = (*attachCmd)(nil)
	_ command = (*stopCmd)(nil)
	_ command = (*killCmd)(nil)
	_ command = (*waitCmd)(nil)
	_ command = (*portCmd)(nil)
	_ command = (*inspectCmd)(nil)
	_ command = (*rmCmd)(nil)
	_ command = (*unshareCmd)(nil)
	_ command = (*netShowCmd)(nil)
	_ command = (*netReloadCmd)(nil)
	_ command = (*doctorCmd)(nil)
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
		return Fail(spell(err, retrace(parser.Model.Node, args).flags))
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
