package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"unc/internal/hint"
)

// explain says what is wrong with a command line that can't be understood: which argument
// as it was typed, what was probably meant, and the line to type instead.
func explain(app *kong.Node, args []string, err error) error {
	r := retrace(app, args)
	own := err
	var refused *kong.ParseError
	isRefused := errors.As(err, &refused)
	if isRefused {
		own = refused.Unwrap()
	}
	switch {
	case r.wrong == unknownCommand && r.node == app:
		return r.explainCommand(args)
	case r.wrong == unknownCommand, r.wrong == surplus:
		return r.explainSurplus(args)
	case r.wrong == unknownFlag:
		return r.explainFlag(args)
	case r.wrong == noValue:
		return r.explainNoValue()
	case !isRefused:
	case refused.Context.Error != nil:
		own = r.explainValue(refused.Context, own)
	default:
		own = r.explainRule(args, own)
	}
	if r.node == app {
		return hint.With(errors.New("no command is given"), "unc run sh    # a shell in a new container", "unc --help")
	}
	return hint.With(spell(own, r.flags), append(hint.Of(own), r.help())...)
}

// help is the command whose help is about this one.
func (r *reading) help() string { return strings.TrimSpace("unc "+r.node.Path()) + " --help" }

// instead is the command line with another word in the place of the mistaken one.
func (r *reading) instead(args []string, words ...string) string {
	line := slices.Concat([]string{"unc"}, args[:r.at], words, args[min(r.at+1, len(args)):])
	for i, word := range line {
		line[i] = hint.Quote(word)
	}
	return strings.Join(line, " ")
}

func (r *reading) explainCommand(args []string) error {
	typed := args[r.at]
	for _, other := range elsewhere {
		if other.typed == typed {
			return hint.With(errors.New(other.text), hints(other.hint, "unc --help")...)
		}
	}
	err := fmt.Errorf("unknown command %.80q", typed)
	if meant := nearest(typed, commandNames(r.node)); meant != "" {
		return hint.With(fmt.Errorf("%w; did you mean %s?", err, meant), r.instead(args, meant))
	}
	return hint.With(err, "unc --help", r.instead(args, "run", typed)+"    # runs it in a new container")
}

func commandNames(n *kong.Node) (names []string) {
	for _, child := range n.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// explainSurplus is about an argument for which a command has no place.
func (r *reading) explainSurplus(args []string) error {
	typed, path := args[r.at], r.node.Path()
	if meant := nearest(typed, commandNames(r.node)); meant != "" {
		return hint.With(fmt.Errorf("unknown argument %.80q of unc %s; did you mean %s?", typed, path, meant), r.instead(args, meant))
	}
	return hint.With(fmt.Errorf("unknown argument %.80q of unc %s", typed, path), r.help())
}

func (r *reading) explainFlag(args []string) error {
	typed, value, joined := strings.Cut(args[r.at], "=")
	if !strings.HasPrefix(typed, "--") {
		typed = r.unknownLetter(args[r.at])
		joined = false
	}
	top := r.node.Type == kong.ApplicationNode
	if top {
		// podman has a few flags before the command; here nearly all follow it.
		run := &reading{node: childOf(r.node, "run")}
		if run.node != nil && run.readFlags([]string{args[r.at], ""}) != unknownFlag {
			return hint.With(fmt.Errorf("%s is a flag of run, and goes after it", typed), r.instead(args, "run", args[r.at]))
		}
	}
	for _, other := range elsewhere {
		if other.typed == typed && (top || r.node.Name == "run") {
			return hint.With(fmt.Errorf("unknown flag %s: %s", typed, other.text), hints(other.hint, r.help())...)
		}
	}
	err := fmt.Errorf("unknown flag %.80s", typed)
	var names []string
	for _, f := range r.known() {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	}
	if meant := nearest(typed, names); meant != "" && strings.HasPrefix(typed, "--") {
		word := meant
		if joined {
			word += "=" + value
		}
		return hint.With(fmt.Errorf("%w; did you mean %s?", err, meant), r.instead(args, word))
	}
	if slices.ContainsFunc(r.node.Positional, func(p *kong.Value) bool { return p.Passthrough }) {
		err = fmt.Errorf("%w; a command of that name goes after --", err)
	}
	return hint.With(err, r.help())
}

// unknownLetter is the first of flags that were typed together that there is none of.
func (r *reading) unknownLetter(arg string) string {
	for _, letter := range arg[1:] {
		if r.flag(func(f *kong.Flag) bool { return f.Short == letter }) == nil {
			return "-" + string(letter)
		}
	}
	return arg
}

func (r *reading) explainNoValue() error {
	g := r.flags[len(r.flags)-1]
	form := g.typed + " " + g.flag.PlaceHolder
	if g.flag.PlaceHolder == "" {
		form = g.typed + " " + strings.ToUpper(g.flag.Name)
	}
	return hint.With(fmt.Errorf("%s takes a value, and there is none: %s", g.typed, form), r.help())
}

// explainRule is about arguments that could be read, and break a rule: one of kong's about
// the values that there are, or a command's own, which kong puts the command's name before.
func (r *reading) explainRule(args []string, err error) error {
	for _, g := range r.flags {
		if g.flag.Enum == "" || slices.Contains(g.flag.EnumSlice(), g.value) {
			continue
		}
		return r.correct(args, about("--"+g.flag.Name, g.value, notOneOf(g.value, g.flag.EnumSlice()...)))
	}
	if own := errors.Unwrap(err); own != nil {
		return r.correct(args, own)
	}
	var missing []string
	for _, p := range r.node.Positional {
		if p.Required && !p.Set {
			missing = append(missing, strings.ToUpper(p.Name))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("unc %s takes %s", r.node.Path(), strings.Join(missing, " "))
	}
	return err
}

// hints leaves out what is empty.
func hints(list ...string) []string {
	return slices.DeleteFunc(list, func(h string) bool { return h == "" })
}
