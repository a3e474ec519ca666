package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

// given is a flag as it was typed.
type given struct {
	flag  *kong.Flag
	typed string // -v or --volume
	value string
	at    int // of the argument that the value is in
}

// reading is a command line taken apart once more, after kong has refused it: kong says
// what it expected, and not what of the arguments it was that it stumbled on.
type reading struct {
	node  *kong.Node // the command, or unc itself
	flags []given    // those that are flags of it
	at    int        // the argument that can't be understood, or how many there are
	wrong mistake
}

// mistake is why an argument can't be understood.
type mistake int

const (
	none mistake = iota // as far as this can tell
	unknownCommand
	unknownFlag
	noValue // the flag is the last of flags
	surplus // an argument that the command has no place for
)

// retrace goes through the arguments as kong's Context.trace does, up to a command of the
// container's.
func retrace(app *kong.Node, args []string) *reading {
	r := &reading{node: app}
	positionals, dashes := 0, false
	for ; r.at < len(args); r.at++ {
		arg := args[r.at]
		switch {
		case arg == "--" && !dashes:
			dashes = true
		case strings.HasPrefix(arg, "-") && arg != "-" && !dashes:
			if r.wrong = r.readFlags(args); r.wrong != none {
				return r
			}
		case positionals < len(r.node.Positional):
			p := r.node.Positional[positionals]
			if p.Passthrough {
				return r
			}
			if !p.IsCumulative() {
				positionals++
			}
		default:
			child := childOf(r.node, arg)
			switch {
			case child != nil:
				r.node = child
			case len(r.node.Children) > 0:
				r.wrong = unknownCommand
				return r
			default:
				r.wrong = surplus
				return r
			}
		}
	}
	return r
}

// readFlags reads one argument, which may be several flags of one letter, and the one
// after it if that is a value.
func (r *reading) readFlags(args []string) mistake {
	arg := args[r.at]
	if long, isLong := strings.CutPrefix(arg, "--"); isLong {
		name, value, joined := strings.Cut(long, "=")
		flag := r.flag(func(f *kong.Flag) bool { return f.Name == name })
		if flag == nil {
			return unknownFlag
		}
		return r.take(args, given{flag, "--" + name, value, r.at}, joined)
	}
	for i := 1; i < len(arg); i++ {
		flag := r.flag(func(f *kong.Flag) bool { return f.Short == rune(arg[i]) })
		if flag == nil {
			return unknownFlag
		}
		g := given{flag, "-" + arg[i:i+1], "", r.at}
		if !flag.IsBool() {
			g.value = arg[i+1:]
			return r.take(args, g, g.value != "")
		}
		r.flags = append(r.flags, g)
	}
	return none
}

// take reads the value of a flag that has not got one joined to it.
func (r *reading) take(args []string, g given, joined bool) mistake {
	lacks := false
	if !joined && !g.flag.IsBool() && !g.flag.IsCounter() {
		next := ""
		if r.at+1 < len(args) {
			next = args[r.at+1]
		}
		// What begins with a dash is the next flag, unless it is a number (see minusOne).
		if lacks = r.at+1 == len(args) || len(next) > 1 && next[0] == '-' && !isNegative(next); !lacks {
			r.at++
			g.value, g.at = next, r.at
		}
	}
	r.flags = append(r.flags, g)
	if lacks {
		return noValue
	}
	return none
}

// flag finds one of the command's flags, or of those above it, or of the command below
// that is meant where none is named.
func (r *reading) flag(is func(*kong.Flag) bool) *kong.Flag {
	for _, f := range r.known() {
		if is(f) {
			return f
		}
	}
	return nil
}

func (r *reading) known() []*kong.Flag {
	node := r.node
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	var list []*kong.Flag
	for _, flags := range node.AllFlags(false) {
		list = append(list, flags...)
	}
	return list
}

func childOf(n *kong.Node, name string) *kong.Node {
	for _, child := range n.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}
