// Package cli is the command line of unc: the grammar, one file for each
// command, and the one place where errors are printed.
//
// # The container and its supervisor
//
// It is also where nsexec, which knows nothing of networks, and netplumb, which
// knows nothing of mounts, meet: run.go starts a container with the one and
// gives it a network with the other, and stays with it. The container struct
// (container.go) is all that this process, the supervisor, has of it: its name, its record, the
// child, the network, and who is to be told of its beginning and end (status.go). What a
// supervisor serves from then on starts here, too, and ends with the process: names,
// its resolver, and relay, for what the host itself sends to published ports
// (network.go). The container's /etc/hosts and resolv.conf are written here (etc.go).
//
//	newContainer   a name and its record (package record) are claimed; the console is made
//	contain        namespaces, network, files; the command runs
//	begin          the record is written, the control socket answered (package control)
//	supervise      signals and streams, to the end (supervise.go)
//	end            who reads the log is told; the name is given back, or the record kept; who
//	               waits is told (ending.go)
//
// A container is in its record when its command runs. In the foreground that is done a
// moment later: a command that is over by then does not pay for it, and who asks before waits
// at the socket, to be answered at the end then. The end is told after the beginning.
//
// # Consoles
//
// supervise.go stays with whatever is supervised, and its console has the streams. There are
// four pairs:
//
//	unc run            nsexec.Child   terminal   the user's streams, or his terminal joined with the
//	                                             container's (terminal.go, foreground.go, copier.go)
//	unc run --detach   nsexec.Child   recorder   a log, and an input that others are handed
//	unc exec           remote         terminal   a command that another process supervises
//	unc attach         attachment     attachment a container that another process supervises: its log is
//	                                             followed, its input or terminal is written to
//
// # Detached
//
// unc run --detach is two processes: the front, which somebody has typed, and the supervisor, which is
// unc again with one argument more, in a session of its own (detach.go). What goes wrong until
// the command runs, the supervisor says on the front's streams and exits; the front exits as it
// did. When the command runs and the record is there, it tells the front the name and lets go
// of all that is the front's: streams, directory, socket. A supervisor whose front is gone by then
// ends the container, for nobody knows of it.
//
// # Later commands
//
// They find a container by its record (find.go), and ask its supervisor over the control
// socket (served.go has the answers). For unc exec, the supervisor has pid 1 start a command with the streams
// that the asker has passed (execserved.go), and goes on to pass signals; the
// command is killed when the asker is gone. Signals that come before it runs are kept for it, as long as a
// start takes at most. unc logs reads the log, and asks nobody but, to follow
// it, for the end (readlog.go).
//
// Which container has failed, and is kept for that, is decided in one place: container.end. A signal
// that came over the socket or to the supervisor and is mostly sent to end a program, or that unc
// stop sent, is somebody's wish that it end.
//
// # The flags of run
//
// They are in groups, a struct and a file for each: files.go, identity.go with
// environment.go, network.go, limits.go and security.go. The sentences about them are
// in help.go. Each group is read in two steps. Validate reads what the flags say, for
// which it makes no difference who the process is. What they name on this machine, a
// volume's source, a user of the rootfs, the ids that there are, is looked up when the
// command runs: by then root has become somebody else, and sees what that user sees. It
// all ends in one nsexec.Spec; a control group is made beside it, and goes with the
// container (cgroup).
//
// A value that has a form of its own is parsed where its kind is: volumes.go with
// mountoptions.go, devices.go with devicedir.go, ulimit.go, sizes.go. What the host
// lacks for a volume or device to be had is found out before there is a container, because
// only here a person can be told what to do about it (sources.go, devices.go); what may be
// mounted in the end, the kernel decides.
//
// A container that joins the network of another asks that one's supervisor for it, and
// takes from it what else goes with a network: ids, names, resolver (join.go).
//
// unc unshare has the ids of a container, and nothing else of it.
//
// unc net has no view of its own: net-setup, run once more, reads the kernel, and net.go
// prints what it says.
//
// unc doctor prints what the package of that name finds, for who the containers would
// belong to (doctor.go).
//
// # Help, and mistakes
//
// help.go has a sentence for each flag and examples.go an example for each command and group;
// page.go joins them with the grammar, and helppage.go prints that. Package manual makes the
// man pages and completions of the same pages. None of it is touched by a command that runs.
//
// Nor is what explains a command line that was refused (mistake.go). kong says what it
// expected; given.go takes the arguments apart once more to find what it stumbled on, as
// it was typed, nearest.go what was meant, and elsewhere.go what unc has instead of what
// others have. What is wrong with the value of a flag has one form, about.go's. printer.go
// prints errors, in the colours of style.go.
package cli
