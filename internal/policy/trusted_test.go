package policy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func dirOf(name string) string { return filepath.Dir(name) }

// Both files that count as root's word are refused when they may not be.
func TestTrusted(t *testing.T) {
	for _, file := range []struct {
		name, path, leads string
		of                func(m files) string
	}{
		{"network.conf", "/unc/network.conf", "", func(m files) string { return m.policy }},
		{"subnet.env", "/flannel/subnet.env", `reading "/unc/network.conf", line 1: SUBNET: `, func(m files) string { return m.flannel }},
	} {
		dir := filepath.Dir(file.path)
		opening, reading := `opening "`+file.path+`": `, `reading "`+file.path+`": `
		links := opening + "too many levels of symbolic links: symbolic links are not followed there"
		find := "namei -l " + file.path + "    # which part of it is the link"
		unreadable := opening + "permission denied: all who are to use the network must be able to read it"
		open := "sudo chmod 755 " + dir + " && sudo chmod 644 " + file.path
		for _, test := range []struct {
			name, want, hint string
			change           func(t *testing.T, name string)
		}{
			{
				"group may write", reading + `it can be written by others than root (mode 0664)`,
				"sudo chmod go-w " + file.path,
				func(t *testing.T, name string) { chmod(t, name, 0o664) },
			},
			{
				"others may write", reading + `it can be written by others than root (mode 0646)`,
				"sudo chmod go-w " + file.path,
				func(t *testing.T, name string) { chmod(t, name, 0o646) },
			},
			{
				"group may write in the directory", reading + `its directory can be written by others than root (mode 0775)`,
				"sudo chmod go-w " + dir,
				func(t *testing.T, name string) { chmod(t, dirOf(name), 0o775) },
			},
			{
				"others may write in the sticky directory", reading + `its directory can be written by others than root (mode 1777)`,
				"sudo chmod go-w " + dir,
				func(t *testing.T, name string) { chmod(t, dirOf(name), 0o777|os.ModeSticky) },
			},
			{
				"others may write in the directory without the file", reading + `its directory can be written by others than root (mode 0777)`,
				"sudo chmod go-w " + dir,
				func(t *testing.T, name string) { remove(t, name); chmod(t, dirOf(name), 0o777) },
			},
			{
				"link", links, find,
				func(t *testing.T, name string) { moveAndLink(t, name) },
			},
			{
				"link to nothing", links, find,
				func(t *testing.T, name string) {
					remove(t, name)
					if err := os.Symlink("nothing", name); err != nil {
						t.Fatal(err)
					}
				},
			},
			{
				"link to the directory", links, find,
				func(t *testing.T, name string) { moveAndLink(t, dirOf(name)) },
			},
			{
				"directory", reading + "it is not a regular file", "",
				func(t *testing.T, name string) { remove(t, name); makeDir(t, name) },
			},
			{
				"FIFO", reading + "it is not a regular file", "",
				func(t *testing.T, name string) {
					remove(t, name)
					if err := unix.Mkfifo(name, 0o644); err != nil {
						t.Fatal(err)
					}
					chmod(t, name, 0o644)
				},
			},
			{
				"socket", opening + "no such device or address", "",
				func(t *testing.T, name string) { remove(t, name); makeSocket(t, name) },
			},
			{
				"file for a directory", opening + "not a directory", "",
				func(t *testing.T, name string) { remove(t, name); remove(t, dirOf(name)); write(t, dirOf(name), "") },
			},
			{
				"unreadable", unreadable, open,
				func(t *testing.T, name string) { chmod(t, name, 0) },
			},
			{
				"unreadable directory", unreadable, open,
				func(t *testing.T, name string) {
					chmod(t, dirOf(name), 0)
					// Or the test could not be cleaned up.
					t.Cleanup(func() { chmod(t, dirOf(name), 0o755) })
				},
			},
			{
				"too large", reading + "it is larger than 65536 bytes", "",
				func(t *testing.T, name string) { write(t, name, strings.Repeat("#\n", maxFile/2)+"#") },
			},
		} {
			t.Run(file.name+"/"+test.name, func(t *testing.T) {
				m := machine(t)
				write(t, m.policy, "SUBNET=flannel\n")
				write(t, m.flannel, testFlannel)
				test.change(t, file.of(m))
				refused(t, m, file.leads+test.want, test.hint)
			})
		}
	}
}

func moveAndLink(t *testing.T, name string) {
	t.Helper()
	if err := os.Rename(name, name+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Base(name)+".moved", name); err != nil {
		t.Fatal(err)
	}
}

func makeSocket(t *testing.T, name string) {
	t.Helper()
	// The name of a socket is short, that of a test's directory may not be.
	t.Chdir(dirOf(name))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Base(name)}); err != nil {
		t.Fatal(err)
	}
	chmod(t, name, 0o644)
}

func TestTrustedOfAnother(t *testing.T) {
	m := machine(t)
	write(t, m.policy, "")
	m.owner++
	_, err := load(m)
	if err == nil || !strings.Contains(err.Error(), "its directory belongs to uid") {
		t.Errorf("got %v, want an error about who has the directory", err)
	}
}

func TestTrustedAsLongAsItMayBe(t *testing.T) {
	m := machine(t)
	write(t, m.policy, strings.Repeat("#\n", maxFile/2))
	if _, err := load(m); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestTrustedModes(t *testing.T) {
	m := machine(t)
	write(t, m.policy, "")
	for _, mode := range []os.FileMode{0o644, 0o444, 0o755} {
		chmod(t, m.policy, mode)
		if _, err := load(m); err != nil {
			t.Errorf("mode %v: got %v, want nil", mode, err)
		}
	}
}

// An absent file is told from all else that can be wrong.
func TestTrustedIsMissing(t *testing.T) {
	m := machine(t)
	if _, err := readTrusted(m.policy, m.owner); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, fs.ErrNotExist)
	}
	remove(t, dirOf(m.policy))
	if _, err := readTrusted(m.policy, m.owner); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no directory: got %v, want %v", err, syscall.ENOENT)
	}
}
