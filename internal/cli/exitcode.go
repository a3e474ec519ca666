package cli

import (
	"errors"

	"unc/internal/control"
	"unc/internal/nsexec"
)

// Exit codes of unc's own, as Docker and podman have them. All others are the command's.
const (
	exitFailed        = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitCodeOf is the code that an error ends unc with.
func exitCodeOf(err error) int {
	var told *control.Failure // by a container's supervisor
	switch {
	case errors.As(err, &told) && told.Code >= exitFailed && told.Code <= exitNotFound:
		return told.Code
	case errors.Is(err, nsexec.ErrNotFound):
		return exitNotFound
	case errors.Is(err, nsexec.ErrNotExecutable):
		return exitNotExecutable
	}
	return exitFailed
}
