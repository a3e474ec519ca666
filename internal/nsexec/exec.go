package nsexec

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Command is one more command for a running container. All else is the container's:
// namespaces, capabilities, filter, limits and control group.
type Command struct {
	// Args is the command and its arguments, and Env its whole environment, as in Spec.
	Args, Env []string

	// Workdir is where the command starts, an absolute path inside that has to be there.
	// Empty means "/".
	Workdir string

	// User is who the command runs as, in ids inside.
	User User

	// Ambient is the part of the container's capabilities that the command has as any
	// user; as root it has them all.
	Ambient Capabilities

	// Streams become the command's descriptors 0, 1 and 2. Where one is nil, Terminal does,
	// the command's side of a pseudo-terminal (Handles.NewTerminal), and controls the
	// command's session then. All of them stay the caller's, who may close them when Exec
	// has returned.
	Streams  [3]*os.File
	Terminal *os.File
}

// Exec makes a process of the container's pid 1 that is to become the command; Started
// tells whether it does. Before the container's own command runs, Exec waits for that.
// When the container has ended, or does meanwhile, the error is ErrEnded. Many may call
// Exec at a time.
func (c *Child) Exec(cmd *Command) (*Process, error) {
	if c.processes == nil {
		return nil, errors.New("the container has no process 1 of unc's that could start another command in it (--no-init)")
	}
	spec, files, err := cmd.place(c.spec)
	if err != nil {
		return nil, err
	}
	p := &Process{processes: c.processes, spec: spec, begun: make(chan error, 1), ended: make(chan struct{})}
	err = withDescriptors(files, func(fds []int) error {
		if err := refuseDirectories(fds); err != nil {
			return err
		}
		return p.begin(c, fds)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// place puts the command into the container: its spec is what the container's would be if
// it had been started with it. The files are what is to be sent, for writeExec.
func (cmd *Command) place(container *Spec) (*Spec, []*os.File, error) {
	spec := *container
	spec.Args, spec.Env, spec.Workdir, spec.User, spec.Ambient = cmd.Args, cmd.Env, cmd.Workdir, cmd.User, cmd.Ambient
	var files []*os.File
	for fd, f := range cmd.Streams {
		if spec.Terminal[fd] = f == nil; f != nil {
			files = append(files, f)
		}
	}
	if spec.wantsTerminal() {
		if cmd.Terminal == nil {
			return nil, nil, errors.New("there is neither a file nor a terminal for one of the command's descriptors")
		}
		files = append(files, cmd.Terminal)
	}
	return &spec, files, spec.validateCommand()
}

// withDescriptors runs do with the files' descriptors, which stay open meanwhile. Not by
// Fd, which may change how the file works for others who have it open.
func withDescriptors(files []*os.File, do func(fds []int) error) error {
	var fds []int
	var next func() error
	next = func() error {
		if len(fds) == len(files) {
			return do(fds)
		}
		f := files[len(fds)]
		raw, err := f.SyscallConn()
		if err != nil {
			return fmt.Errorf("passing %q on: %w", f.Name(), err)
		}
		var inner error
		err = raw.Control(func(fd uintptr) {
			fds = append(fds, int(fd))
			inner = next()
		})
		if err != nil {
			return fmt.Errorf("passing %q on: %w", f.Name(), err)
		}
		return inner
	}
	return next()
}

// writeExec writes what the process of a further command does, which has the files from
// streamsFD on, the terminal last; here is what they are called in this process.
func (a *arena) writeExec(spec *Spec, here []int, openFiles uint64) (*program, error) {
	p := &program{hand: new(handover), arena: a}
	p.tty = none
	var streams [3]int
	placed := 0
	for fd, terminal := range spec.Terminal {
		if !terminal {
			// Over what pid 1 has open, which no command ever gets.
			p.call("placing a descriptor", unix.SYS_DUP3, num(streamsFD+placed), num(fd), num(0))
			streams[fd] = here[placed]
			placed++
		}
	}
	if spec.wantsTerminal() {
		p.tty = p.newSlot()
		p.hand.slot[p.tty] = int32(streamsFD + placed)
	}
	p.giveStreams(spec, streams)
	p.writeCommand(spec, conversationFD, openFiles)
	if !a.finish(p) {
		return nil, notExecutable(spec.Args[0], "the container", unix.E2BIG)
	}
	return p, nil
}
