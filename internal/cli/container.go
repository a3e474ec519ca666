package cli

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/record"
)

// container is one that this process is the supervisor of: what unc ps shows of it, and
// what the user's later commands ask for (served.go).
type container struct {
	name    string
	held    *record.Held // its record, or nil
	console containerConsole
	status  *status // who else is to be told
	front   *front  // who waits for a detached one to have started; nil in the foreground
	created time.Time
	socket  *os.File            // at which later commands ask, until they are answered
	info    func() *record.Info // what is known of it once it runs

	spec    *nsexec.Spec
	child   *nsexec.Child
	inside  *nsexec.Handles
	network *netplumb.Network
	offer   offer         // its network
	hosts   string        // what is in its /etc/hosts
	resolv  func() string // and in resolv.conf

	begun  chan struct{} // closed when all are told of its beginning who are to be, with
	failed error         // why it does not go on

	mu      sync.Mutex
	servers []server
	stopped bool          // it is to end, by whichever signal
	sent    uint64        // the signals that others have had sent to it, a bit for each
	ended   chan struct{} // closed when it has ended, with
	code    int
	reading sync.WaitGroup // those who read its log, and are to hear of that
	over    chan struct{}  // closed when its name is free as well
	telling sync.WaitGroup // those who are to hear of that
}

// newContainer claims the container's name, and finds out where its streams lead.
func (r *runCmd) newContainer() (c *container, err error) {
	c = &container{created: time.Now(), begun: make(chan struct{}), ended: make(chan struct{}), over: make(chan struct{})}
	c.info = sync.OnceValue(func() *record.Info { return r.describe(c) })
	c.resolv = func() string {
		if r.peer != nil {
			return r.peer.resolv
		}
		host, _ := r.host.Current()
		return r.resolvConf(host)
	}
	if c.status, err = r.openStatus(); err != nil {
		return nil, err
	}
	if err = r.claim(c); err != nil {
		c.status.close()
		return nil, err
	}
	if r.Supervise {
		c.console, c.front, err = r.detached(c)
	} else {
		c.console, err = terminalOf(r.TTY)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// listen makes the socket for later commands. Who connects is not answered yet.
func (c *container) listen() error {
	if c.held == nil {
		return nil
	}
	fd, err := c.held.Listen()
	if err != nil {
		return err
	}
	c.socket = os.NewFile(uintptr(fd), "control")
	return nil
}

// soon is how long a command in the foreground runs before its container is recorded and can
// be asked for: who asks sooner waits for that long, and a short one does not pay for it.
const soon = 20 * time.Millisecond

// begin makes the container one that other commands can find, once its command runs. A
// detached one that nobody would know of does not go on.
func (c *container) begin() (goesOn bool) {
	defer close(c.begun)
	if c.front == nil {
		time.AfterFunc(soon, func() {
			if err := c.publish(); err != nil {
				warn(err.Error())
			}
		})
		c.status.started(c.child.PID)
		return true
	}
	// Before anybody is told, who may be slow to hear it, the container can be asked for.
	err := c.publish()
	if err == nil {
		c.status.started(c.child.PID)
		err = c.front.leave(c.name)
	}
	if err != nil {
		c.failed = err
		_ = c.stop(unix.SIGKILL) // its end is no failure of the command's, to be kept
	}
	return err == nil
}

// publish records the container and begins to answer.
func (c *container) publish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return nil // it has no record, or is over
	}
	if err := c.held.Put(c.info()); err != nil {
		return err
	}
	socket := c.socket
	c.socket = nil
	return control.Serve(socket, c.answer)
}

// close gives up what the container had here, whether or not it came to be one.
func (c *container) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.giveUp()
	c.status.close()
}

func (c *container) giveUp() {
	if c.held == nil {
		return
	}
	if err := c.held.Close(); err != nil {
		warn(err.Error())
	}
	c.held = nil
}
