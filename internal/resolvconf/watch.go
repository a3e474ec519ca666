package resolvconf

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Watch follows one resolv.conf(5) through its changes. It costs one stat(2) for
// each question and holds no descriptor: an inotify(7) instance is one of the 128
// that a user has, and a file that is replaced takes watching its directory.
type Watch struct {
	path string

	mu       sync.Mutex
	seen     version
	config   Config // of seen
	reported bool   // Current has returned config before
}

// version is how one content of the file differs from the next. Those who write it
// in place change the times, those who rename a new one over it the inode too. The
// change time tells what keeps size and modification time, such as cp -p.
type version struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// NewWatch returns a watch of the file called path, which is not read before the
// first Current. Symbolic links are followed each time.
func NewWatch(path string) *Watch { return &Watch{path: path} }

// Current returns what the file says now, and whether that differs from what the
// call before returned; the first call with a file that can be read always says
// so. While the file is missing, or can't be read, it remains what it was. The
// slices are shared: callers don't change them.
func (w *Watch) Current() (Config, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Before the file is read: when it changes between the two, this is the version
	// before, and the next call reads again.
	now, err := stat(w.path)
	if err != nil || now == w.seen {
		return w.config, false
	}
	c, err := read(w.path)
	if err != nil {
		return w.config, false
	}
	changed := !w.reported || !c.equal(w.config)
	w.seen, w.config, w.reported = now, c, true
	return c, changed
}

func stat(path string) (version, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return version{}, err
	}
	// Converted, because some architectures have the device narrower.
	return version{uint64(st.Dev), st.Ino, st.Size, st.Mtim, st.Ctim}, nil
}
