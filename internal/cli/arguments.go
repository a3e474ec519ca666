package cli

import (
	"errors"
	"fmt"
	"strings"
)

// checkCommand refuses a command that begins with a dash: to kong, a flag that it does
// not know is the first of the arguments that it passes on.
func checkCommand(args []string) error {
	switch command := afterDashes(args); {
	case len(command) == 0:
		return errors.New("there is no command to run")
	case len(command) == len(args) && strings.HasPrefix(command[0], "-"):
		return fmt.Errorf("unknown flag %s; a command of that name goes after --", command[0])
	}
	return nil
}

// afterDashes is what follows the flags, or a "--" that ends them.
func afterDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}
