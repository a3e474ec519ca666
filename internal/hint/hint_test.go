package hint

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	inner := With(io.EOF, "inner")
	for _, test := range []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"no hints", io.EOF, nil},
		{"one", inner, []string{"inner"}},
		{"two", With(io.EOF, "first", "second"), []string{"first", "second"}},
		{"wrapped", fmt.Errorf("reading: %w", inner), []string{"inner"}},
		{"joined", errors.Join(io.ErrClosedPipe, inner), []string{"inner"}},
		{"outermost wins", With(fmt.Errorf("reading: %w", inner), "outer"), []string{"outer"}},
		{"none attached outside", With(inner), []string{"inner"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Of(test.err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithNil(t *testing.T) {
	if err := With(nil, "a hint"); err != nil {
		t.Errorf("got %v, want nil: there is no error to get out of", err)
	}
}

func TestWithKeepsTheError(t *testing.T) {
	err := With(fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), "a hint")
	if got, want := err.Error(), "reading: unexpected EOF"; got != want {
		t.Errorf("got %q, want %q: hints are not part of the message", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an error that wraps %v", err, io.ErrUnexpectedEOF)
	}
}
