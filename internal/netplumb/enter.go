package netplumb

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/lease"
)

// A link's further names are what else the kernel keeps unique for unc: a
// container's name, and the slots of its owner's quota of published ports. They go
// with the link.
const (
	namePrefix = "unc-name." // UID.NAME
	portPrefix = "unc-port." // UID.SLOT
)

func nameOf(owner uint32, name string) string {
	return namePrefix + strconv.FormatUint(uint64(owner), 10) + "." + name
}

func portSlot(owner, slot uint32) string {
	return portPrefix + strconv.FormatUint(uint64(owner), 10) + "." + strconv.FormatUint(uint64(slot), 10)
}

// enter gives the link the names that the request asks for.
func enter(c *conn, w wiring, index int, r Request) error {
	if r.Name != "" {
		err := c.Must(addName(index, nameOf(w.owner, r.Name)))
		if errors.Is(err, unix.EEXIST) {
			return hint.With(held{fmt.Sprintf("a container of yours is called %q already", r.Name)}, "unc net    # shows which it is; or choose another --name")
		}
		if err != nil {
			return fmt.Errorf("naming the container %q: %w", r.Name, err)
		}
	}
	return takePorts(c, w, index, len(r.Publish))
}

// takePorts takes a slot for each published port. As with leases, what is free
// when looked for may be taken a moment later; the kernel's answer decides.
func takePorts(c *conn, w wiring, index, count int) error {
	if count == 0 {
		return nil
	}
	for slot := range lease.Shuffled(uint32(w.policy.MaxPorts)) {
		name := portSlot(w.owner, slot)
		if _, err := c.byOtherName(name); err == nil {
			continue
		}
		err := c.Must(addName(index, name))
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return fmt.Errorf("counting published ports: %w", err)
		}
		if count--; count == 0 {
			return nil
		}
	}
	return tooManyPorts(w.policy)
}

// describe says whose a link is, for a person.
func describe(l *link) string {
	owner := "uid " + strconv.FormatUint(uint64(l.group), 10)
	if u, err := user.LookupId(strconv.FormatUint(uint64(l.group), 10)); err == nil {
		owner = u.Username
	}
	if name := containerName(l); name != "" {
		return fmt.Sprintf("container %q of %s", name, owner)
	}
	return "a container of " + owner
}

// containerName is the name that the link's container was given, or empty.
func containerName(l *link) string {
	prefix := nameOf(l.group, "")
	for _, n := range l.names {
		if name, ours := strings.CutPrefix(n, prefix); ours {
			return name
		}
	}
	return ""
}
