package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/ports"
)

// Answer tells the unc that began this process what came of Setup: one line of
// pairs on its socket, and the sockets of the published ports along with it.
func Answer(to int, n *Network, err error) error {
	if err != nil {
		return send(to, errorLine(err), nil)
	}
	defer closeSockets(n.Sockets)
	return send(to, n.line(), n.Sockets)
}

func errorLine(err error) []byte {
	line := appendPair(nil, "error", err.Error())
	for _, h := range hint.Of(err) {
		line = appendPair(line, "hint", h)
	}
	return append(line, '\n')
}

func (n *Network) line() []byte {
	line := appendPair(nil, "interface", n.Interface)
	line = appendPair(line, "address", n.Address.String())
	line = appendPair(line, "gateway", n.Gateway.String())
	if n.Address6.IsValid() {
		line = appendPair(line, "address6", n.Address6.String())
		line = appendPair(line, "gateway6", n.Gateway6.String())
		line = appendPair(line, "link-local", n.LinkLocal.String())
	}
	line = appendPair(line, "mtu", strconv.Itoa(n.MTU))
	for _, s := range n.Sockets {
		line = appendPair(line, "socket", s.Mapping.String())
	}
	for _, w := range n.Warnings {
		line = appendPair(line, "warning", w)
	}
	return append(line, '\n')
}

// atOnce is how many descriptors go with one message (SCM_MAX_FD, unix(7)).
const atOnce = 253

// send writes the line with the first descriptors, and a byte with each further lot.
func send(to int, line []byte, sockets []Socket) error {
	for {
		var fds []int
		for _, s := range sockets[:min(atOnce, len(sockets))] {
			fds = append(fds, s.FD)
		}
		sockets = sockets[len(fds):]
		var rights []byte
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		for len(line) > 0 {
			n, err := unix.SendmsgN(to, line, rights, nil, unix.MSG_NOSIGNAL)
			if err != nil {
				return err
			}
			line, rights = line[n:], nil
		}
		if len(sockets) == 0 {
			return nil
		}
		line = []byte{'\n'}
	}
}

// receive is the inverse of Answer.
func receive(from int) (*Network, error) {
	var text []byte
	var fds []int
	n, err := func() (*Network, error) {
		for {
			n, done, err := parseAnswer(text, len(fds))
			if done || err != nil {
				return n, err
			}
			buf, control := make([]byte, 8<<10), make([]byte, unix.CmsgSpace(4*atOnce))
			size, nc, _, _, err := unix.Recvmsg(from, buf, control, unix.MSG_CMSG_CLOEXEC)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return nil, fmt.Errorf("hearing from net-setup: %w", err)
			case size == 0:
				return nil, errors.New("net-setup ended without an answer")
			}
			text = append(text, buf[:size]...)
			if len(text) > maxResult {
				return nil, errors.New("net-setup's answer has no end")
			}
			got, err := rights(control[:nc])
			fds = append(fds, got...)
			if err != nil {
				return nil, err
			}
		}
	}()
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, err
	}
	for i, fd := range fds {
		n.Sockets[i].FD = fd
	}
	return n, nil
}

// rights takes the descriptors out of control messages.
func rights(control []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, fmt.Errorf("hearing from net-setup: %w", err)
	}
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fds, fmt.Errorf("hearing from net-setup: %w", err)
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// parseAnswer reads what has come so far; done is false while something is missing.
func parseAnswer(text []byte, fds int) (n *Network, done bool, err error) {
	end := 0
	for end < len(text) && text[end] != '\n' {
		end++
	}
	if end == len(text) {
		return nil, false, nil
	}
	n = new(Network)
	var failed string
	var hints []string
	err = eachPair(string(text[:end]), func(key, value string) error {
		switch key {
		case "error":
			failed = value
		case "hint":
			hints = append(hints, value)
		default:
			return n.set(key, value)
		}
		return nil
	})
	switch {
	case err != nil:
	case failed != "":
		return nil, true, hint.With(errors.New(failed), hints...)
	default:
		err = n.validate()
	}
	if err != nil {
		return nil, true, fmt.Errorf("reading net-setup's answer: %w", err)
	}
	if fds > len(n.Sockets) {
		return nil, true, fmt.Errorf("net-setup's answer came with %d descriptors, want %d", fds, len(n.Sockets))
	}
	return n, fds == len(n.Sockets), nil
}

// set takes one pair of an answer.
func (n *Network) set(key, value string) (err error) {
	switch key {
	case "interface":
		n.Interface = value
	case "address":
		n.Address, err = netip.ParsePrefix(value)
	case "gateway":
		n.Gateway, err = netip.ParseAddr(value)
	case "address6":
		n.Address6, err = netip.ParsePrefix(value)
	case "gateway6":
		n.Gateway6, err = netip.ParseAddr(value)
	case "link-local":
		n.LinkLocal, err = netip.ParsePrefix(value)
	case "mtu":
		n.MTU, err = strconv.Atoi(value)
	case "socket":
		var m ports.Mapping
		m, err = ports.ParseMapping(value)
		n.Sockets = append(n.Sockets, Socket{Mapping: m, FD: -1})
	case "warning":
		n.Warnings = append(n.Warnings, value)
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}
