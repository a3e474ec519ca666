package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"unc/internal/logfile"
	"unc/internal/name"
)

// lifeFlags say what a container is called, and who stays with it.
type lifeFlags struct {
	Name        *string  `placeholder:"NAME"` // an empty one is a script's variable that is not set
	Detach      bool     `short:"d"`
	Interactive bool     `short:"i"`
	TTY         bool     `short:"t" name:"tty"`
	Label       []string `short:"l" sep:"none" placeholder:"NAME[=VALUE]"`
	LogOpt      []string `name:"log-opt" sep:"none" placeholder:"max-size=SIZE"`

	Pidfile      string `placeholder:"FILE"`
	JSONStatusFD *int   `name:"json-status-fd" placeholder:"FD"`

	// Supervise is how the process that stays with a detached container is told that it
	// is that one.
	Supervise bool `hidden:""`

	maxLog int64
	labels map[string]string
}

// defaultLog is how much is kept of a detached container's output, in bytes. It lies in
// memory on most machines, in the user's share of /run.
const defaultLog = 1 << 20

// Validate refuses flags that mean nothing together.
func (f *lifeFlags) Validate() error {
	if f.Name != nil {
		if err := name.Check(*f.Name); err != nil {
			return err
		}
	}
	if f.JSONStatusFD != nil && *f.JSONStatusFD < 3 {
		return about("--json-status-fd", strconv.Itoa(*f.JSONStatusFD), errors.New("3 is the first that is not one of the command's own streams"))
	}
	for _, label := range f.Label {
		key, value, _ := strings.Cut(label, "=")
		if key == "" {
			return about("--label", label, errors.New("it has no name"))
		}
		if f.labels == nil {
			f.labels = make(map[string]string)
		}
		f.labels[key] = value
	}
	f.maxLog = defaultLog
	for _, option := range f.LogOpt {
		if err := f.readLogOpt(option); err != nil {
			return err
		}
	}
	return nil
}

func (f *lifeFlags) readLogOpt(option string) (err error) {
	key, value, _ := strings.Cut(option, "=")
	if key != "max-size" {
		return about("--log-opt", option, errors.New("max-size=SIZE is the one option that there is"))
	}
	if !f.Detach {
		return errors.New("--log-opt means nothing without --detach: only then output is kept")
	}
	if f.maxLog, err = parseSize(value); err != nil {
		return about("--log-opt", option, err)
	}
	if f.maxLog < logfile.MinSize {
		return about("--log-opt", option, fmt.Errorf("it is less than %dk", logfile.MinSize>>10))
	}
	return nil
}
