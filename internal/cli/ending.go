package cli

import (
	"errors"
	"os"
	"sync"
	"time"

	"unc/internal/control"
	"unc/internal/record"
)

// hearing is how long somebody who is told of a container's end may take to hear of it.
const hearing = time.Second

// end takes the container's name back, or leaves the record of one whose end nobody would
// understand otherwise. Who reads its log is told before that, for the log goes with the
// record; who waits for the end is told after it: by then the name is free.
func (c *container) end(code int) {
	c.mu.Lock()
	c.code = code
	close(c.ended)
	for _, s := range c.servers {
		s.Close()
	}
	c.servers = nil
	c.mu.Unlock()
	waitFor(&c.reading)

	c.mu.Lock()
	if c.held != nil && c.front != nil && code != 0 && !c.wanted(code) {
		// Perhaps not recorded yet.
		if err := errors.Join(c.held.Put(c.info()), c.held.Keep(record.Ended{Code: code, Time: time.Now()})); err != nil {
			warn(err.Error())
		}
		c.held = nil
	}
	c.giveUp()
	close(c.over)
	c.mu.Unlock()
	c.answerWaiting()
	waitFor(&c.telling)
	c.status.ended(code)
}

// answerWaiting answers who has connected to a container whose command was over before it was
// published. Nobody else can connect by now.
func (c *container) answerWaiting() {
	c.mu.Lock()
	socket := c.socket
	c.socket = nil
	c.mu.Unlock()
	if socket == nil {
		return
	}
	if err := control.AnswerWaiting(socket, &c.telling, c.answer); err != nil {
		warn(err.Error())
	}
}

// server is what the supervisor does for a running container: a resolver, or the relay of a
// published port.
type server interface{ Close() }

// serves has it end with the container, so that its address is free for the next one.
func (c *container) serves(s server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		s.Close()
	default:
		c.servers = append(c.servers, s)
	}
}

// waitFor waits for all of them, but not longer than hearing takes.
func waitFor(all *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(hearing):
	}
}

// addWaiter says that somebody is to hear of the end, who has to call the function then; it
// returns nil when that has come already.
func (c *container) addWaiter() (heard func()) { return c.count(&c.telling, c.over) }

// addReader says the same of somebody who reads the log.
func (c *container) addReader() (heard func()) { return c.count(&c.reading, c.ended) }

func (c *container) count(among *sync.WaitGroup, end chan struct{}) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-end:
		return nil
	default:
		among.Add(1)
		return among.Done
	}
}

// errOver is for who comes when the container is about to be gone.
var errOver = errors.New("the container has ended")

// tellEnd waits for the end of the container.
func (c *container) tellEnd(conn *control.Conn) error {
	if heard := c.addWaiter(); heard != nil {
		defer heard()
	}
	if err := conn.Send(control.Reply{}); err != nil {
		return err
	}
	select {
	case <-c.over: // or it has come before
		return conn.Send(control.Reply{Code: &c.code})
	case <-said(conn):
		return nil // he does not wait any more
	}
}

// tellReader accepts with this reply to tell of the end as well, and then waits until who has asked
// has got hold of what there is of the log.
func (c *container) tellReader(conn *control.Conn, accepted control.Reply, files ...*os.File) error {
	heard := c.addReader()
	if heard == nil {
		return errOver
	}
	if err := conn.Send(accepted, files...); err != nil {
		heard()
		return err
	}
	answered := said(conn)
	select {
	case <-c.ended:
	case <-answered:
		heard()
		return nil
	}
	err := conn.Send(control.Reply{Code: &c.code})
	if err == nil {
		<-answered
	}
	heard()
	<-c.over // the end of the conversation tells of that
	return err
}

// said is closed when the other side has said something, or is gone.
func said(conn *control.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = conn.HearOrder()
	}()
	return done
}
