package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"unc/internal/rawio"
)

// environmentFlags are what the command's environment has besides what every
// container's has.
type environmentFlags struct {
	Env     []string `short:"e" sep:"none" placeholder:"NAME[=VALUE]"`
	EnvFile []string `name:"env-file" sep:"none" placeholder:"FILE"`
}

// maxEnvFile is how much of a file is read, in bytes: more than execve(2) takes.
const maxEnvFile = 4 << 20

// Validate refuses variables that no program could read.
func (f *environmentFlags) Validate() error {
	for _, variable := range f.Env {
		if _, err := splitVariable(variable); err != nil {
			return about("--env", variable, err)
		}
	}
	return nil
}

// environment adds to base, and replaces in it, what the files say and then what the
// flags say. Of several values the last counts.
//
// The files are the caller's: they are read with his rights and waited for, so that
// <(a program) can pass what is not to lie in a file.
func (f *environmentFlags) environment(base []string) ([]string, error) {
	e, caller := newEnvironment(base), callersEnvironment()
	for _, path := range f.EnvFile {
		text, err := rawio.ReadFile(path, maxEnvFile)
		if err != nil {
			return nil, about("--env-file", path, err)
		}
		if err := e.addFile(string(text), caller); err != nil {
			return nil, about("--env-file", path, err)
		}
	}
	for _, variable := range f.Env {
		if err := e.add(variable, caller); err != nil {
			return nil, about("--env", variable, err)
		}
	}
	return e.list, nil
}

// callersEnvironment is all of it but what the Go runtime has added: a program with a
// file capability runs with GOTRACEBACK=none.
func callersEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return v == "GOTRACEBACK=none" })
}

// environment keeps the order in which names came up first.
type environment struct {
	list []string
	at   map[string]int // a name's place in list
}

func newEnvironment(base []string) *environment {
	e := &environment{at: make(map[string]int)}
	for _, variable := range base {
		e.set(variable)
	}
	return e
}

// set adds NAME=VALUE, or replaces the value that the name has.
func (e *environment) set(variable string) {
	name, _, _ := strings.Cut(variable, "=")
	if i, ok := e.at[name]; ok {
		e.list[i] = variable
		return
	}
	e.at[name] = len(e.list)
	e.list = append(e.list, variable)
}

// addFile adds all lines of a file but empty ones and comments. Values are taken as they
// stand: quotes are a part of them, as for podman and Docker.
func (e *environment) addFile(text string, caller []string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := e.add(line, caller); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// add adds NAME=VALUE, NAME or NAME*, the latter two from the caller's environment.
func (e *environment) add(variable string, caller []string) error {
	name, err := splitVariable(variable)
	if err != nil {
		return err
	}
	if len(name) < len(variable) {
		e.set(variable)
		return nil
	}
	prefix, isPrefix := strings.CutSuffix(name, "*")
	for _, given := range caller {
		its, _, _ := strings.Cut(given, "=")
		if its != "" && (its == name || isPrefix && strings.HasPrefix(its, prefix)) {
			e.set(given)
		}
	}
	return nil
}

// splitVariable returns the name in NAME=VALUE, NAME or NAME*.
func splitVariable(variable string) (string, error) {
	name, _, _ := strings.Cut(variable, "=")
	switch {
	case name == "":
		return "", fmt.Errorf("there is no name before %.64q", variable)
	case strings.ContainsAny(name, " \t\r\n\x00"):
		return "", fmt.Errorf("the name %.64q has a space in it", name)
	case strings.IndexByte(variable, 0) >= 0:
		return "", fmt.Errorf("the value of %.64q has a zero byte in it", name)
	}
	return name, nil
}
