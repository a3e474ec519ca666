package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// TCP joins every connection that arrives at a listening socket to a new one to
// target, until Close. The file is the Relay's from here on, also when there is
// an error: a copy of it that stayed open would keep the port.
func TCP(listener *os.File, target netip.AddrPort) (*Relay, error) {
	r, err := listen(listener, target, standard)
	if err != nil {
		return nil, fmt.Errorf("relaying TCP to %v: %w", target, err)
	}
	r.running.Go(r.run)
	return &Relay{r.close}, nil
}

type tcpRelay struct {
	target   netip.AddrPort
	limits   limits
	listener *net.TCPListener
	accept   func() (*net.TCPConn, error)

	closing context.Context // done when Close is called
	cancel  func()
	slots   chan struct{} // holds one for each connection, and one for who waits for the next
	ended   chan struct{} // holds one when a connection has ended since somebody looked
	running sync.WaitGroup

	mu    sync.Mutex
	pairs map[*pair]bool
}

func listen(file *os.File, target netip.AddrPort, limits limits) (*tcpRelay, error) {
	defer file.Close() // the net package makes a copy
	if _, err := checkSocket(file, target, unix.IPPROTO_TCP, unix.IPPROTO_MPTCP); err != nil {
		return nil, err
	}
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	listener := l.(*net.TCPListener) // checkSocket has seen to it
	closing, cancel := context.WithCancel(context.Background())
	return &tcpRelay{
		target:   target,
		limits:   limits,
		listener: listener,
		accept:   listener.AcceptTCP,
		closing:  closing,
		cancel:   cancel,
		slots:    make(chan struct{}, limits.connections),
		ended:    make(chan struct{}, 1),
		pairs:    make(map[*pair]bool),
	}, nil
}

func (r *tcpRelay) close() {
	r.mu.Lock()
	r.cancel() // under the lock, so that add sees it or its pair is seen here
	for p := range r.pairs {
		p.abort()
	}
	r.mu.Unlock()
	r.listener.Close()
	r.running.Wait()
}

func (r *tcpRelay) run() {
	for {
		// Before accept, so that connections over the limit wait in the kernel's
		// queue, which is bounded and costs no descriptor.
		select {
		case r.slots <- struct{}{}:
		case <-r.closing.Done():
			return
		}
		client, err := r.accept()
		switch {
		case err == nil:
			r.running.Go(func() {
				r.serve(client)
				<-r.slots
				select {
				case r.ended <- struct{}{}:
				default:
				}
			})
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		<-r.slots
		if !r.pause() {
			return
		}
	}
}

// pause is for errors of accept(2) that will be there again at once. Mostly that
// is EMFILE or ENFILE, and a connection of ours that ends gives two descriptors
// back; others may do so too, of which we don't hear.
func (r *tcpRelay) pause() (ok bool) {
	select {
	case <-r.ended:
	case <-time.After(r.limits.retry):
	case <-r.closing.Done():
		return false
	}
	return true
}

// serve stays with one connection to its end.
func (r *tcpRelay) serve(client *net.TCPConn) {
	dialer := net.Dialer{Timeout: r.limits.dial}
	conn, err := dialer.DialContext(r.closing, "tcp", r.target.String())
	if err != nil {
		// The kernel has accepted before anybody could ask the container: a reset
		// is as near as it gets to the refusal that it gave.
		reset(client)
		return
	}
	p := &pair{client: half{TCPConn: client}, container: half{TCPConn: conn.(*net.TCPConn)}}
	if !r.add(p) {
		p.abort()
		return
	}
	p.run()
	r.mu.Lock()
	delete(r.pairs, p)
	r.mu.Unlock()
}

func (r *tcpRelay) add(p *pair) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing.Err() != nil {
		return false
	}
	r.pairs[p] = true
	return true
}
