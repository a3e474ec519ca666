package manual

import (
	"slices"
	"strings"

	"unc/internal/cli"
	"unc/internal/nsexec"
)

// source is where completions come from.
type source string

const (
	nothing     source = "nothing" // anything may be typed, and unc knows none of it
	words       source = "words"   // those of the list
	files       source = "files"   // of any kind
	directories source = "directories"
	containers  source = "containers" // the names of those that run
	remembered  source = "remembered" // the names of those that have failed as well
	network     source = "network"    // a kind of network, or a container whose network is shared
	program     source = "program"    // a command, and then what belongs to it
)

// signals are those that somebody sends on purpose (signal(7)).
const signals = "TERM KILL INT HUP QUIT USR1 USR2 STOP CONT WINCH"

// networks is the same as the choices of --network, of which one has a name in it.
const networks = "bridge none host"

// ofFlag tells what completes the value of a flag that has one. Flags whose value says
// nothing about itself in its form are named.
func ofFlag(f cli.Option) (source, []string) {
	switch f.Name {
	case "network":
		return network, nil
	case "cap-add", "cap-drop":
		list := []string{"ALL"}
		for _, name := range nsexec.AllCapabilities.Names() {
			list = append(list, strings.TrimPrefix(name, "CAP_"))
		}
		return words, list
	case "security-opt":
		return words, []string{"seccomp=unconfined", "no-new-privileges"}
	}
	switch form, _, _ := strings.Cut(f.Value, ":"); {
	case len(f.Choices) > 0:
		return words, f.Choices
	case form == "DIR":
		return directories, nil
	case form == "FILE", strings.HasPrefix(form, "SRC"):
		return files, nil
	case form == "SIGNAL":
		return words, strings.Fields(signals)
	}
	return nothing, nil
}

// ofArgument tells the same of an argument of a command.
func ofArgument(command string, a cli.Option) (source, []string) {
	switch {
	case a.Rest:
		return program, nil
	case len(a.Choices) > 0:
		return words, a.Choices
	case a.Name == "NAME" && slices.Contains([]string{"inspect", "logs", "rm"}, command):
		return remembered, nil
	case a.Name == "NAME":
		return containers, nil
	}
	return nothing, nil
}

// valued tells whether what follows the flag is its value.
func valued(f cli.Option) bool { return f.Value != "" }
