package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"unc/test/confinement"
)

const (
	archive = "rootfs.tar"

	// The daemon's directory, in a tmpfs of the second stage.
	state        = "/run/record"
	socket       = state + "/docker.sock"
	notifySocket = state + "/notify.sock"

	// patience is for the daemon, which starts a second one.
	patience = time.Minute
)

// runDocker is the second stage: it starts the daemon, runs the probe in a container with
// Docker's defaults, and prints the list.
func runDocker(work string) error {
	os.Setenv("PATH", filepath.Join(work, "bin")+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("DOCKER_HOST", "unix://"+socket)
	if err := shield(); err != nil {
		return err
	}
	daemon, err := startDaemon()
	if err != nil {
		return err
	}
	defer daemon.stop()
	if err := run("docker", "import", filepath.Join(work, archive), "probe"); err != nil {
		return err
	}
	about, err := describe()
	if err != nil {
		return err
	}
	// A container without a network: Docker's other ones don't change what may be done.
	probe := exec.Command("docker", "run", "--rm", "--network", "none", "probe", "/probe")
	probe.Stderr = os.Stderr
	out, err := probe.Output()
	if err != nil {
		return fmt.Errorf("running the probe: %w", err)
	}
	fmt.Printf("# %s\n%s", about, out)
	return nil
}

// shield mounts over what the daemon writes to. It is in a mount namespace of its own.
func shield() error {
	for _, m := range []struct{ source, target, kind, options string }{
		{"proc", "/proc", "proc", ""},
		{"tmpfs", "/run", "tmpfs", ""},
		// It leaves a key in /etc/docker.
		{"overlay", "/etc", "overlay", "lowerdir=/etc,upperdir=/run/upper,workdir=/run/work"},
		// Of its own control group namespace.
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", ""},
	} {
		if m.kind == "overlay" {
			for _, dir := range []string{"/run/upper", "/run/work", state} {
				if err := os.Mkdir(dir, 0o755); err != nil {
					return err
				}
			}
		}
		if err := unix.Mount(m.source, m.target, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	return run("ip", "link", "set", "lo", "up")
}

// describe tells the versions of all that has a part in it.
func describe() (string, error) {
	docker, err := exec.Command("docker", "version", "--format", "Docker's daemon {{.Server.Version}}").Output()
	if err != nil {
		return "", fmt.Errorf("asking for Docker's version: %w", err)
	}
	runc, err := exec.Command("runc", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking for runc's version: %w", err)
	}
	about := []string{strings.TrimSpace(string(docker))}
	for line := range strings.Lines(string(runc)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "runc" || name == "libseccomp:" {
			about = append(about, strings.Trim(name, ":")+" "+strings.TrimPrefix(version, "version "))
		}
	}
	kernel, err := confinement.Kernel()
	return strings.Join(about, ", ") + ", on " + kernel, err
}

type daemon struct {
	cmd *exec.Cmd
	log *os.File
}

// startDaemon starts dockerd with nothing that reaches out of the namespaces, and waits
// until it answers.
func startDaemon() (*daemon, error) {
	log, err := os.Create(state + "/log")
	if err != nil {
		return nil, err
	}
	d := &daemon{exec.Command("dockerd", "--host", "unix://"+socket, "--bridge=none", "--iptables=false", "--ip6tables=false",
		"--ip-forward=false", "--storage-driver=vfs", "--data-root", state+"/data", "--exec-root", state+"/exec",
		"--pidfile", state+"/pid"), log}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notifySocket, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listening for dockerd: %w", err)
	}
	defer notify.Close()
	// The former for Debian's client, which speaks an older one.
	d.cmd.Env = append(os.Environ(), "DOCKER_MIN_API_VERSION=1.24", "NOTIFY_SOCKET="+notifySocket)
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting dockerd: %w", err)
	}
	if err := awaitReady(notify); err != nil {
		d.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("waiting for dockerd: %w; it said:\n%s", err, said)
	}
	return d, nil
}

// awaitReady waits for what a daemon says when it answers (sd_notify(3)).
func awaitReady(notify *net.UnixConn) error {
	if err := notify.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for {
		message := make([]byte, 4096)
		n, err := notify.Read(message)
		if err != nil {
			return err
		}
		if slices.Contains(strings.Split(string(message[:n]), "\n"), "READY=1") {
			return nil
		}
	}
}

func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	d.log.Close()
}
