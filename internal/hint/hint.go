package hint

import (
	"errors"
	"strings"
)

// hinted is an error that knows a way out.
type hinted struct {
	error
	hints []string
}

func (h *hinted) Unwrap() error   { return h.error }
func (h *hinted) Hints() []string { return h.hints }

// With attaches hints to err. A nil err stays nil.
func With(err error, hints ...string) error {
	if err == nil || len(hints) == 0 {
		return err
	}
	return &hinted{err, hints}
}

// Quote makes one word of text for a shell, where it would not be one as it is.
func Quote(text string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+:@%-"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Of returns the hints of the outermost error in err's chain that has any.
func Of(err error) []string {
	var h interface{ Hints() []string }
	if errors.As(err, &h) {
		return h.Hints()
	}
	return nil
}
