package logfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// follow goes on after what was there, until it is done.
func (r *reader) follow(changes <-chan struct{}, done <-chan *Rest) error {
	for last := false; ; {
		if err := r.catchUp(); err != nil {
			return err
		}
		if last {
			r.finish()
			return nil
		}
		if err := r.printer.flush(); err != nil {
			return err
		}
		select {
		case <-changes:
		case r.rest = <-done:
			last = true // what was written before that is there
		}
	}
}

// catchUp reads what is new, in all files.
func (r *reader) catchUp() error {
	for {
		if r.at != nil {
			r.at.forget()
		}
		if err := r.consume(); err != nil {
			return err
		}
		next, err := r.successor()
		if err != nil || next < 0 {
			return err
		}
		// It was renamed, so nothing more is written to it: what came before that is there.
		if err := r.consume(); err != nil {
			unix.Close(next)
			return err
		}
		if err := r.enter(next); err != nil {
			return err
		}
	}
}

// successor opens the file that follows the one that is read, or the oldest there is when that
// is gone; -1 when it is the last one.
func (r *reader) successor() (int, error) {
	if r.rest == nil && r.at != nil && namesFile(int(r.dir.Fd()), current, r.at.fd) {
		return -1, nil // as nearly always
	}
	f, err := r.open()
	if err != nil {
		return -1, err
	}
	if f.current >= 0 && r.at != nil && sameFile(f.current, r.at.fd) {
		f.close()
		return -1, nil
	}
	if f.older >= 0 && (r.at == nil || !sameFile(f.older, r.at.fd)) {
		if f.current >= 0 {
			unix.Close(f.current)
		}
		return f.older, nil
	}
	if f.older >= 0 {
		unix.Close(f.older)
	}
	return f.current, nil
}

// open opens the files that there are, or were at the end.
func (r *reader) open() (files, error) {
	if r.rest != nil {
		return r.rest.files.duplicate()
	}
	return openFiles(int(r.dir.Fd()))
}

// watcher wakes who follows a log.
type watcher struct {
	file    *os.File
	changes chan struct{} // has one element after something has changed
}

// watch watches a directory. What changed is not of interest: who is woken looks for himself, so
// that nothing is missed when there are more events than are kept (inotify(7), IN_Q_OVERFLOW).
func watch(dir int) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if errors.Is(err, unix.EMFILE) {
		return nil, hint.With(fmt.Errorf("watching it: %w: it takes one of the inotify instances that a user has", err),
			"sudo sysctl fs.inotify.max_user_instances=1024")
	}
	if err != nil {
		return nil, fmt.Errorf("watching it: %w", err)
	}
	_, err = unix.InotifyAddWatch(fd, "/proc/self/fd/"+strconv.Itoa(dir), unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("watching it: %w", err)
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "inotify"), changes: make(chan struct{}, 1)}
	go w.run()
	return w, nil
}

func (w *watcher) run() {
	events := make([]byte, 16<<10)
	for {
		if _, err := w.file.Read(events); err != nil {
			return // closed
		}
		select {
		case w.changes <- struct{}{}:
		default:
		}
	}
}

func (w *watcher) Close() error { return w.file.Close() }
