package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/netplumb"
	"unc/internal/resolvconf"
)

// beginEarly starts net-setup, which takes longer to start than all of the
// command line to parse, when that will very likely ask for it. One that is not
// needed sees the end of its input and has touched nothing.
func beginEarly(args []string) (*netplumb.Helper, error) {
	otherNetwork := func(arg string) bool { return strings.HasPrefix(arg, "--network") }
	if len(args) < 2 || args[0] != "run" || args[1] == "--help" || args[1] == "-h" || os.Geteuid() == 0 ||
		isFront(args) || slices.ContainsFunc(args, otherNetwork) {
		return nil, nil
	}
	return netplumb.Begin()
}

// NetSetup is the net-setup stage: it prints what came of it as one line of JSON. The
// unc that began it gets an answer in a form of its own, errors included, which
// it prints itself.
func NetSetup(args []string) int {
	result, err := netplumb.Setup(args)
	if len(args) == 1 && args[0] == netplumb.FromStdin {
		// Who asked may be gone by now; then there is nobody to tell.
		if gone := netplumb.Answer(1, result.Network, err); gone != nil || err != nil {
			return exitFailed
		}
		return 0
	}
	if err != nil {
		return Fail(err)
	}
	text, err := textOf(result)
	if err == nil && text != nil {
		if _, err = unix.Write(1, append(text, '\n')); err != nil {
			err = fmt.Errorf("printing what came of it: %w", err)
		}
	}
	if err != nil {
		return Fail(err)
	}
	return 0
}

// textOf is what is printed of a result, nil for nothing.
func textOf(r netplumb.Result) ([]byte, error) {
	switch n := r.Network; {
	case n != nil:
		// Not by Setup: reading them takes no privilege.
		host, err := resolvconf.Reachable()
		if err != nil {
			return nil, err
		}
		n.Resolvers, n.Search, n.Options = host.Servers, host.Search, host.Options
		return json.Marshal(n)
	case r.Status != nil:
		return json.Marshal(r.Status)
	case r.Checkup != nil:
		return json.Marshal(r.Checkup)
	}
	return nil, nil
}
