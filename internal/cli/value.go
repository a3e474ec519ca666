package cli

import (
	"errors"
	"net/netip"
	"reflect"

	"github.com/alecthomas/kong"
)

// explainValue is about a text of which could not be made what the flag or argument wants. An
// argument's own type says all; the flag is the first one that is not in kong's trace.
func (r *reading) explainValue(ctx *kong.Context, err error) error {
	inner := errors.Unwrap(err) // without what kong calls the flag or argument
	for _, p := range r.node.Positional {
		if inner != nil && p.Active && !p.Set {
			return inner
		}
	}
	done := 0
	for _, p := range ctx.Path {
		if p.Flag != nil {
			done++
		}
	}
	if done >= len(r.flags) {
		return err
	}
	g := r.flags[done]
	if isAddress(g.flag) {
		return about(g.typed, g.value, errors.New("it is not an IP address"))
	}
	if inner != nil && isText(g.flag) {
		return about(g.typed, g.value, inner)
	}
	kind := g.flag.Target.Kind()
	if kind == reflect.Pointer {
		kind = g.flag.Target.Type().Elem().Kind()
	}
	switch kind {
	case reflect.Bool:
		return about(g.typed, g.value, errors.New("it is neither true nor false"))
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uint16:
		return about(g.typed, g.value, errors.New("it is not a whole number"))
	}
	return err
}

// isAddress tells whether the flag's value, or each of them, is one of an IP address.
func isAddress(f *kong.Flag) bool {
	t := f.Target.Type()
	return t == reflect.TypeFor[netip.Addr]() || t == reflect.TypeFor[[]netip.Addr]()
}

// isText tells whether a type of unc's own reads the flag's value, and so has said what
// is wrong with it.
func isText(f *kong.Flag) bool {
	t := f.Target.Type()
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]())
}
