package record

import (
	"errors"
	"fmt"
)

// ErrTaken is what Claim's error is when a living container has the name.
var ErrTaken = errors.New("the name is taken")

// ErrNotThere is what an error is when there is no such container, or none any more.
var ErrNotThere = errors.New("there is no such container")

// nameError is one of these two, with the name.
type nameError struct {
	kind error
	name string
}

func (e *nameError) Error() string {
	if errors.Is(e.kind, ErrTaken) {
		return fmt.Sprintf("a container of yours is called %q already", e.name)
	}
	return fmt.Sprintf("no container of yours is called %q", e.name)
}

func (e *nameError) Unwrap() error   { return e.kind }
func (e *nameError) Hints() []string { return []string{"unc ps"} }
