package record

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Held is the record of a container that this process supervises. It is for one goroutine at a time.
type Held struct {
	Stale bool // the name was that of a supervisor that was killed: the network may know it yet

	store *Store
	name  string
	dir   int
}

// The files of a record.
const (
	infoFile    = "record.json"
	newInfoFile = "record.json.new"
	socketFile  = "control"
)

// Put records what is known of the container now. Readers see what was put last, whole.
func (h *Held) Put(i *Info) error {
	if err := h.put(i); err != nil {
		return fmt.Errorf("recording container %q: %w", h.name, err)
	}
	return nil
}

func (h *Held) put(i *Info) error {
	text, err := i.text()
	if err != nil {
		return err
	}
	if i.Name != h.name {
		return fmt.Errorf("it is called %q", i.Name)
	}
	fd, err := openBelow(h.dir, newInfoFile, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	err = writeAll(fd, text)
	unix.Close(fd)
	if err == nil {
		err = unix.Renameat(h.dir, newInfoFile, h.dir, infoFile)
	}
	if err != nil {
		_ = unix.Unlinkat(h.dir, newInfoFile, 0)
	}
	return err
}

// Dir opens the record's directory, for a log in it. It is the caller's to close, and
// closing it does not let go of the name.
func (h *Held) Dir() (*os.File, error) { return reopen(h.dir, h.store.pathOf(h.name)) }

// reopen opens a directory once more, because a copy of the descriptor would hold the lock.
func reopen(dir int, path string) (*os.File, error) {
	fd, err := openBelow(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Close removes the record and lets go of the name.
func (h *Held) Close() error {
	defer h.release()
	if !h.store.leadsTo(h.name, h.dir) {
		return nil // gone with the user's session, or replaced by who removed it by hand
	}
	return h.store.remove(h.dir, h.name)
}

// Keep lets go of the name, and leaves the record, with what is known of the container now, which
// is how it ended as well, and its log, for who asks later. Of such records the latest are kept,
// and older ones removed.
func (h *Held) Keep(i *Info) error {
	trimmed := h.store.trim(h.name)
	unlock, err := h.store.lock(unix.LOCK_EX)
	if err != nil {
		h.release()
		return errors.Join(trimmed, err)
	}
	// In one step, for who looks: the name of what is recorded to have ended is free.
	defer unlock()
	defer h.release()
	recorded := h.Put(i)
	removed := unix.Unlinkat(h.dir, socketFile, 0)
	switch {
	case errors.Is(removed, unix.ENOENT):
		removed = nil
	case removed != nil:
		removed = fmt.Errorf("removing the socket of container %q: %w", h.name, removed)
	}
	return errors.Join(trimmed, recorded, removed)
}

// release lets go of the name, and not by closing alone: a child between clone and execve has
// the descriptor, too.
func (h *Held) release() {
	_ = unix.Flock(h.dir, unix.LOCK_UN)
	unix.Close(h.dir)
}

func writeAll(fd int, text []byte) error {
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		text = text[max(n, 0):]
	}
	return nil
}
