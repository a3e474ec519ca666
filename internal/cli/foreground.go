package cli

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// take makes the terminal raw if it is ours: a shell that runs unc in the background
// keeps it. Called again when unc may have been brought to the foreground.
func (t *terminal) take() error {
	if !t.is[0] || !inForeground() {
		return nil
	}
	if err := t.makeRaw(); err != nil {
		return err
	}
	// Output is processed once: from now on not by our terminal, but by the container's.
	return setProcessing(t.master, true)
}

// makeRaw hands every key to the container's terminal, which does the line editing
// and makes signals of Ctrl-C and Ctrl-Z.
func (t *terminal) makeRaw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil
	}
	saved, err := term.MakeRaw(0)
	if err != nil {
		return fmt.Errorf("setting the terminal to raw mode: %w", err)
	}
	if t.saved == nil {
		t.saved = saved
	}
	return nil
}

// restore puts the terminal back as it was found, for good: whoever is about to
// make it raw comes too late.
func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.saved != nil {
		_ = term.Restore(0, t.saved)
	}
}

// giveBackAfter makes keys signals again when the command takes longer to start than that, for
// nobody reads them until it has: a Ctrl-C ends unc then. The function that it returns is to be
// called when the command has started, or has not.
func (t *terminal) giveBackAfter(long time.Duration) (begun func() error) {
	given := make(chan struct{})
	timer := time.AfterFunc(long, func() {
		defer close(given)
		t.giveBack()
	})
	return func() error {
		if timer.Stop() {
			return nil
		}
		<-given
		return t.take()
	}
}

func (t *terminal) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved != nil && !t.over && inForeground() {
		_ = term.Restore(0, t.saved)
	}
}

// awaitForeground returns when the terminal is ours and there is something to read.
// No signal tells of the former (bash sends none to a job that was not stopped),
// but news of the latter is the time to look: once for each, not for as long as
// there is something, which may be the shell's for long. What is typed ahead of a
// shell's fg comes before the terminal does, by a moment, for which news is looked
// after a few times.
func (t *terminal) awaitForeground() error {
	const again, after = 50, 20 // milliseconds, times
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(poll)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET}
	if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, 0, &event); err != nil {
		return err
	}
	for looks := 0; !inForeground(); looks-- {
		timeout := -1
		if looks > 0 {
			timeout = again
		}
		n, err := unix.EpollWait(poll, []unix.EpollEvent{{}}, timeout)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			looks = after
		}
	}
	return nil
}

// inForeground tells whether the terminal on standard input is this process
// group's, or nobody's, as one is that controls no session.
func inForeground() bool {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return errors.Is(err, unix.ENOTTY) || err == nil && group == unix.Getpgrp()
}
