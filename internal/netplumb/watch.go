package netplumb

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// patience is how long net-setup waits for links that are about to go. An idle
// machine takes a quarter of a second to remove a network namespace, a busy one
// a few times that.
const patience = 2 * time.Second

// watcher hears of links that come and go (rtnetlink(7), RTNLGRP_LINK). Listening
// takes no capability.
type watcher struct {
	fd    int
	until time.Time
}

func watchLinks(patience time.Duration) (*watcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_LINK - 1)}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listening for links: %w", err)
	}
	return &watcher{fd, time.Now().Add(patience)}, nil
}

func (w *watcher) close() { unix.Close(w.fd) }

// wait returns when a link has gone, or more news than the socket could hold has
// been lost; unix.ETIMEDOUT when patience is over.
func (w *watcher) wait() error {
	buf := make([]byte, 32<<10)
	for {
		left := time.Until(w.until)
		if left <= 0 {
			return unix.ETIMEDOUT
		}
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("listening for links: %w", err)
		}
		n, _, err := unix.Recvfrom(w.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			return nil
		case err != nil:
			return fmt.Errorf("listening for links: %w", err)
		}
		for rest := buf[:n]; len(rest) > 0; {
			var m nlconn.Message
			if m, rest, err = nlconn.Next(rest); err != nil {
				return err
			}
			if m.Kind == unix.RTM_DELLINK {
				return nil
			}
		}
	}
}
