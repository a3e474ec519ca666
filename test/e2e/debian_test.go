package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"unc/internal/tier"
)

// debianPackages are what the tests use in a Debian system besides its base.
const debianPackages = "adduser,nginx-light,postgresql,vim-tiny"

// databaseServer is the half of it that only one test has a use for, as patterns for tar.
var databaseServer = []string{"./usr/lib/postgresql", "./usr/lib/x86_64-linux-gnu/libLLVM*", "./usr/lib/aarch64-linux-gnu/libLLVM*"}

// debianOnly is for test/vm, whose machine has no network to make one from: it takes
// this archive along.
var debianOnly = flag.Bool("debian", false, "print where the archive of the Debian system is, made if need be, and test nothing")

// debianArchive returns the path of a tar archive with the root file system of a Debian
// system, as debootstrap makes it from the archive that this machine's own packages
// come from. It is made when it is needed for the first time, and kept. UNC_DEBIAN
// names one that is there already.
func debianArchive(t *testing.T) string {
	t.Helper()
	if archive := os.Getenv("UNC_DEBIAN"); archive != "" {
		return archive
	}
	needProgram(t, "debootstrap", "debootstrap")
	archive, err := debian()
	if errors.Is(err, errNoDebian) {
		tier.Skip(t, "%v", err)
	}
	must(t, err)
	return archive
}

// errNoDebian is what this machine lacks to make a Debian system.
var errNoDebian = errors.New("there is no Debian system for the tests")

var debian = sync.OnceValues(func() (string, error) {
	suite, mirror, err := debianMirror()
	if err != nil {
		return "", err
	}
	version, err := exec.Command("dpkg-query", "-Wf", "${Version}", "debootstrap").Output()
	if err != nil {
		return "", fmt.Errorf("%w: asking for debootstrap's version: %w", errNoDebian, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoDebian, err)
	}
	key := sha256.Sum256(fmt.Appendln(nil, suite, runtime.GOARCH, debianPackages, string(version), debianScript))
	dir := filepath.Join(cache, "unc-test", fmt.Sprintf("debian-%s-%x", suite, key[:8]))
	archive := filepath.Join(dir, "rootfs.tar")
	if err := intact(dir); err == nil {
		return archive, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "making a Debian system anew: %v\n", err)
	}
	if err := makeDebian(dir, suite, mirror); err != nil {
		return "", fmt.Errorf("making a Debian system: %w", err)
	}
	return archive, nil
})

// debianMirror tells the suite that this machine runs and where its packages come
// from, of what apt has read in its configuration, in whatever format that is.
func debianMirror() (suite, mirror string, err error) {
	out, err := exec.Command("sh", "-euc", `. /etc/os-release
		echo "$VERSION_CODENAME"
		apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages'`).Output()
	if err != nil {
		return "", "", fmt.Errorf("%w: asking apt for its package sources: %w", errNoDebian, err)
	}
	suite, targets, _ := strings.Cut(string(out), "\n")
	for target := range strings.Lines(targets) {
		if f := strings.Fields(target); len(f) == 3 && f[0] == suite && f[1] == "main" {
			return suite, f[2], nil
		}
	}
	return "", "", fmt.Errorf("%w: apt has no list of the packages of %s: sudo apt-get update", errNoDebian, suite)
}

// debianScript makes $1, the archive of suite $2 from mirror $3, in the directory $4.
// It leaves out what is downloaded or read but never run. Device nodes are nothing
// that an unprivileged user could unpack, and a container has its own.
const debianScript = `
	mount -t tmpfs -o mode=755 debian "$4"
	debootstrap --variant=minbase --include="$5" "$2" "$4" "$3"
	cd "$4"
	rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/*.log usr/share/locale/* usr/share/doc/* usr/share/man/* dev/*
	tar --create --numeric-owner --file "$1" .`

// makeDebian makes the directory dir with the archive and its checksum. It turns up
// under this name when it is complete.
func makeDebian(dir, suite, mirror string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(making)
	archive, target := filepath.Join(making, "rootfs.tar"), filepath.Join(making, "tree")
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	// The caller's environment, in which there may be a proxy.
	cmd := exec.Command("unshare", "-m", "sh", "-euc", debianScript, "sh", archive, suite, mirror, target, debianPackages)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(out, 10))
	}
	// What was in it has gone with its mount.
	if err := errors.Join(os.Remove(target), seal(making)); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(making, dir)
}

// printDebian is what -debian does.
func printDebian() error {
	archive, err := debian()
	if err == nil {
		_, err = fmt.Println(archive)
	}
	return err
}

// seal notes what the archive in dir is.
func seal(dir string) error {
	sum, err := sumOf(filepath.Join(dir, "rootfs.tar"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sha256"), sum, 0o644)
}

// intact tells whether the archive in dir is still what it was.
func intact(dir string) error {
	want, err := os.ReadFile(filepath.Join(dir, "sha256"))
	if err != nil {
		return err
	}
	got, err := sumOf(filepath.Join(dir, "rootfs.tar"))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is not what was put there", dir)
	}
	return nil
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%x\n", sum.Sum(nil)), nil
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// debianOfOneUser unpacks it as alice does who has no other ids than her own: all of
// it is hers.
func debianOfOneUser(t *testing.T, h *host) string {
	t.Helper()
	archive, dir := openDebian(t), newDir(t, h.alice)
	tar := h.as(h.alice, append([]string{"tar", "--extract", "--directory", dir}, excluding(databaseServer)...)...)
	tar.Stdin = archive
	h.run(tar).works(t)
	return dir
}

func excluding(patterns []string) (args []string) {
	for _, pattern := range patterns {
		args = append(args, "--exclude="+pattern)
	}
	return args
}

// openDebian opens the archive, which lies where only root may look.
func openDebian(t *testing.T) *os.File {
	t.Helper()
	archive, err := os.Open(debianArchive(t))
	must(t, err)
	t.Cleanup(func() { archive.Close() })
	return archive
}
