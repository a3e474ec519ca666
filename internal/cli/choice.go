package cli

import (
	"errors"
	"fmt"
	"strings"

	"unc/internal/hint"
)

// choice is a value that is none of those that there are.
type choice struct {
	choices []string
	meant   string // the one that was, or ""
}

func notOneOf(typed string, choices ...string) error {
	return &choice{choices, nearest(typed, choices)}
}

func (c *choice) Error() string {
	last := len(c.choices) - 1
	text := fmt.Sprintf("there are %s and %s", strings.Join(c.choices[:last], ", "), c.choices[last])
	if c.meant != "" {
		return fmt.Sprintf("did you mean %s? %s", c.meant, text)
	}
	return text
}

// correct adds the command line with the value that was meant.
func (r *reading) correct(args []string, err error) error {
	var wrong *flagError
	var c *choice
	if !errors.As(err, &wrong) || !errors.As(err, &c) || c.meant == "" {
		return err
	}
	for _, g := range r.flags {
		if "--"+g.flag.Name == wrong.flag && g.value == wrong.value {
			there := &reading{node: r.node, at: g.at}
			return hint.With(err, there.instead(args, strings.TrimSuffix(args[g.at], g.value)+c.meant))
		}
	}
	return err
}
