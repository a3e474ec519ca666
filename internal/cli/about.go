package cli

import (
	"errors"
	"fmt"
)

// flagError is what is wrong with the value of a flag. It has one form for all flags:
// the flag as it was typed, its value, and a sentence about that, in which "it" is the
// value.
type flagError struct {
	flag  string // as in --volume, or as it was typed
	value string
	err   error
}

// about makes a flagError; a nil err stays nil.
func about(flag, value string, err error) error {
	if err == nil {
		return nil
	}
	return &flagError{flag, value, err}
}

func (e *flagError) Error() string { return fmt.Sprintf("%s %.200q: %v", e.flag, e.value, e.err) }
func (e *flagError) Unwrap() error { return e.err }

// spell names the flag in err as it was typed: who wrote -v looks for that.
func spell(err error, typed []given) error {
	var wrong *flagError
	if errors.As(err, &wrong) {
		for _, g := range typed {
			if wrong.flag == "--"+g.flag.Name && wrong.value == g.value {
				wrong.flag = g.typed
				break
			}
		}
	}
	return err
}
