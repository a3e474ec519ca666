// Package manual writes what people read or press the tab key for: the man pages in
// share/man, and the completions of bash, zsh and fish in share/completion.
//
// All of it comes from cli.Pages, the description of the command line that --help prints,
// so a flag is told of in one place. unc.1 is the overview and each command has a page of
// its own; unc-network.conf.5 comes from the comments of network.conf.sample. What the
// grammar does not know, such as files and environment, is in text.go.
//
// What completes the value of a flag, or an argument, follows from how --help shows it
// (source.go): DIR is a directory, FILE and SRC are files, NAME as an argument is a
// container's name, which unc ps is asked for. The three shells get the same sources. What
// follows COMMAND of unc run belongs to that command, and is completed as the shell would.
// What a shell does with that is the same whatever the command line: functions.bash,
// functions.zsh and functions.fish, which become parts of the completions.
//
// The package is not a part of unc: nothing imports it. Its test compares what it would
// write with the files, which are committed, since who installs unc need not be able to
// build them, and makes them anew:
//
//	go test ./internal/manual -update
package manual
