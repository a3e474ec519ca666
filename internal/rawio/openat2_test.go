package rawio

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openRoot opens a directory that has d/ in it, for as long as the test takes.
func openRoot(t *testing.T) int {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/d", 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(root) })
	return root
}

// However often directories are renamed, a path with ".." in it is opened.
func TestOpenat2BesideRenames(t *testing.T) {
	root, other := openRoot(t), openRoot(t)
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	path := strings.Repeat("d/../", 20) + "d"
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				close(stopped)
				return
			default:
			}
			err = errors.Join(unix.Renameat(other, "d", other, "e"), unix.Renameat(other, "e", other, "d"))
		}
		stopped <- err
	}()
	again := 0
	for i := 0; i < 1_000_000 && again < 20; i++ {
		fd, err := unix.Openat2(root, path, how)
		if err == nil {
			unix.Close(fd)
			continue
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		again++
		if fd, err = Openat2(root, path, how); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if again == 0 && runtime.NumCPU() > 1 {
		t.Error("nothing came in between, want some attempts refused")
	}
}

func TestOpenat2Errors(t *testing.T) {
	root := openRoot(t)
	for _, test := range []struct {
		name, path string
		resolve    uint64
		want       error
	}{
		{"it is there", "d", unix.RESOLVE_BENEATH, nil},
		{"it is not", "e", unix.RESOLVE_BENEATH, unix.ENOENT},
		{"it is beyond", "..", unix.RESOLVE_BENEATH, unix.EXDEV},
		{"no such way", "d", 1 << 40, unix.EINVAL},
	} {
		t.Run(test.name, func(t *testing.T) {
			fd, err := Openat2(root, test.path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: test.resolve})
			if !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
			if err == nil {
				unix.Close(fd)
			}
		})
	}
}
