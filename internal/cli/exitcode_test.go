package cli

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"unc/internal/hint"
	"unc/internal/nsexec"
)

func TestExitCodeOf(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"anything", io.EOF, 125},
		{"not found", nsexec.ErrNotFound, 127},
		{"not executable", nsexec.ErrNotExecutable, 126},
		{"not found, wrapped", fmt.Errorf("%w: %q is not in it", nsexec.ErrNotFound, "sh"), 127},
		{"not executable, with a hint", hint.With(fmt.Errorf("%w: no", nsexec.ErrNotExecutable), "chmod"), 126},
		{"joined with another", errors.Join(nsexec.ErrNotFound, io.EOF), 127},
		{"the same text, but another error", errors.New(nsexec.ErrNotFound.Error()), 125},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCodeOf(test.err); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
