package cli

import (
	"errors"
	"sync"
	"time"

	"unc/internal/control"
	"unc/internal/record"
)

// patience is how long somebody who is told of a container's end may take to hear of it.
const patience = time.Second

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
	await(&c.reading)

	c.mu.Lock()
	if c.held != nil && c.front != nil && code != 0 && !c.wanted(code) {
		info := c.info()
		info.Ended = &record.Ended{Code: code, Time: time.Now()}
		if err := c.held.Keep(info); err != nil {
			warn(err)
		}
		c.held = nil
	}
	c.giveUp()
	close(c.over)
	c.mu.Unlock()
	await(&c.telling)
	c.status.ended(code)
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

// await waits for all of them, as long as there is patience.
func await(all *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// awaited says that somebody is to hear of the end, who has to call the function then; it
// returns nil when that has come already.
func (c *container) awaited() (heard func()) { return c.count(&c.telling, c.over) }

// read says the same of somebody who reads the log.
func (c *container) read() (heard func()) { return c.count(&c.reading, c.ended) }

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
	heard := c.awaited()
	if heard == nil {
		return conn.Send(control.Reply{Code: &c.code}) // it has just come
	}
	defer heard()
	select {
	case <-c.over:
		return conn.Send(control.Reply{Code: &c.code})
	case <-said(conn):
		return nil // he does not wait any more
	}
}

// tellReader waits for the end as well, and then until who has asked has got hold of what
// there is of the log.
func (c *container) tellReader(conn *control.Conn) error {
	heard := c.read()
	if heard == nil {
		return errOver
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
		var order control.Order
		_ = receiveOrder(conn, &order)
	}()
	return done
}
