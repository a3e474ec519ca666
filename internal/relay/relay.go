package relay

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Relay passes on what arrives at one socket of the host.
type Relay struct{ close func() }

// Close closes the socket and all connections that came by it, and returns when
// nothing of them is left. What was on its way is lost: peers of TCP connections
// get a reset, as from a machine that has gone. It may be called again.
func (r *Relay) Close() { r.close() }

// limits are what one Relay takes, so that neither the container nor a process of
// the host can make it take more. See the package's doc.
type limits struct {
	connections int           // at a time
	dial        time.Duration // until the container has answered
	retry       time.Duration // until the next attempt, after an error that has nothing to do with the peer

	sessions   int           // at a time
	unanswered time.Duration // until a session ends to which no answer came
	idle       time.Duration // until any other ends
}

var standard = limits{
	connections: 512,
	dial:        10 * time.Second,
	retry:       time.Second,
	sessions:    512,
	unanswered:  30 * time.Second,
	idle:        60 * time.Second,
}

// checkSocket refuses what would be noticed only when nothing arrives, and what the
// net package takes for something else. It tells the socket's address family.
func checkSocket(file *os.File, target netip.AddrPort, protocols ...int) (family int, err error) {
	if !target.IsValid() || target.Port() == 0 {
		return 0, errors.New("there is no address, or no port")
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	got := make(map[int]int)
	var failed error
	err = raw.Control(func(fd uintptr) {
		for _, option := range []int{unix.SO_DOMAIN, unix.SO_PROTOCOL, unix.SO_TYPE, unix.SO_ACCEPTCONN} {
			value, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option)
			failed = errors.Join(failed, err)
			got[option] = value
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return 0, fmt.Errorf("asking what kind of socket it is: %w", err)
	}
	family = got[unix.SO_DOMAIN]
	switch {
	case family != unix.AF_INET && family != unix.AF_INET6, !slices.Contains(protocols, got[unix.SO_PROTOCOL]):
		return 0, fmt.Errorf("the socket is of family %d and protocol %d, which is something else", family, got[unix.SO_PROTOCOL])
	case got[unix.SO_TYPE] == unix.SOCK_STREAM && got[unix.SO_ACCEPTCONN] == 0:
		return 0, errors.New("the socket does not listen")
	}
	return family, nil
}
