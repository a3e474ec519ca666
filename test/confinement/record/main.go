// Record runs the probe under Docker and writes what it says to testdata/docker.txt.
//
//	go run ./test/confinement/record [-dockerd DIR]
//
// It takes root, and a kernel with cgroup v2 somewhere. Docker need not be installed, and
// is not afterwards: record fetches Debian's packages docker.io and containerd with
// apt-get, unpacks them into a directory of its own, and takes runc from PATH. What is in
// DIR goes before all of that, for Debian's are years old. What is recorded is by a dockerd
// and a runc built, in modules that require them, with
//
//	CGO_ENABLED=0 go build -o DIR -ldflags "-X github.com/moby/moby/v2/dockerversion.Version=VERSION" \
//		github.com/moby/moby/v2/cmd/dockerd
//	go build -o DIR -tags seccomp github.com/opencontainers/runc
//
// the latter against libseccomp's latest release: what a call is that it doesn't know,
// Docker's profile can't allow.
//
// The daemon lives in namespaces of its own: a network that goes nowhere, mounts over
// /etc, /run and /sys/fs/cgroup, and a pid namespace, with which all of it ends. Its
// control groups are below one that record makes and removes. Nothing else of the
// machine is changed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"unc/test/confinement"
)

// recorded is where the list goes, seen from the module's root.
const recorded = "test/confinement/testdata/docker.txt"

func main() {
	dockerd := flag.String("dockerd", "", "directory with programs to use instead of Debian's")
	inside := flag.Bool("inside", false, "be the second stage, in the namespaces")
	flag.Parse()
	var err error
	switch {
	case os.Geteuid() != 0:
		err = errors.New("this takes root")
	case *inside:
		err = runDocker(flag.Arg(0))
	default:
		err = record(*dockerd)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// record prepares all that the second stage needs, and keeps what it says.
func record(programs string) error {
	work, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := unpackDocker(work, programs); err != nil {
		return err
	}
	if err := packRootfs(work); err != nil {
		return err
	}
	text, err := inNamespaces(work)
	if err != nil {
		return err
	}
	if _, err := confinement.Parse(strings.NewReader(text)); err != nil {
		return err
	}
	return os.WriteFile(recorded, []byte(text), 0o644)
}

// packRootfs makes an archive that docker import takes, extended attributes included.
func packRootfs(work string) error {
	probe, rootfs := filepath.Join(work, "probe"), filepath.Join(work, "rootfs")
	return errors.Join(
		os.Mkdir(rootfs, 0o755),
		confinement.BuildProbe(probe),
		confinement.NewRootfs(rootfs, probe),
		run("tar", "-C", rootfs, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-cf", filepath.Join(work, archive), "."),
	)
}

// inNamespaces runs the second stage, and returns what it prints.
func inNamespaces(work string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	group, err := newCgroup()
	if err != nil {
		return "", err
	}
	defer group.remove()
	cmd := exec.Command("unshare", "--net", "--mount", "--propagation", "private", "--pid", "--cgroup", "--fork", "--kill-child",
		self, "-inside", work)
	cmd.Stderr = os.Stderr
	// Born in its control group, so that the control group namespace begins there.
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.dir.Fd())}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running Docker in namespaces: %w", err)
	}
	return string(out), nil
}

// run runs a program that has nothing to say.
func run(argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return nil
}
