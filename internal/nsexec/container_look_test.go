package nsexec

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// seen is what a command can see and do in a container.
type seen struct {
	Netns   uint64   // the number of its network namespace
	Links   []string // network interfaces that are up
	Bound   []string // addresses of sockets, as /proc/net has them
	Sys     []mount  // what is mounted on and in /sys
	Names   []string // of files and directories in what of /sys is hidden
	Loosens []string // ways that lead to a writable or uncovered /sys
	Answers []string // from DNSAddress
}

type mount struct{ At, Type, Options string }

func childLooks() (err error) {
	var s seen
	if s.Netns, err = inode("/proc/self/ns/net"); err != nil {
		return err
	}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Flags&net.FlagUp != 0 {
			s.Links = append(s.Links, link.Name)
		}
	}
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6"} {
		for _, fields := range fieldsOf("/proc/net/" + protocol) {
			if fields[0] != "sl" && len(fields) > 1 {
				s.Bound = append(s.Bound, protocol+" "+fields[1])
			}
		}
	}
	for _, fields := range fieldsOf("/proc/self/mountinfo") {
		if at := fields[4]; at == "/sys" || strings.HasPrefix(at, "/sys/") {
			rest := fields[6:]
			for rest[0] != "-" {
				rest = rest[1:]
			}
			s.Sys = append(s.Sys, mount{at, rest[1], fields[5]})
		}
	}
	for _, dir := range slices.Concat(sysNoDir, sysMounted) {
		entries, _ := os.ReadDir("/sys/" + dir)
		for _, e := range entries {
			s.Names = append(s.Names, dir+"/"+e.Name())
		}
	}
	s.Loosens = loosen()
	// Once more with all capabilities, over what is a copy of the mounts. Where no
	// user namespace can be made in here, this is no way either.
	nested := exec.Command("/proc/self/exe")
	nested.Env = []string{childVariable + "=loosen", noRaceSleep}
	nested.SysProcAttr = ownUserns()
	if out, err := nested.Output(); err == nil {
		var more []string
		if err := json.Unmarshal(out, &more); err != nil {
			return err
		}
		for _, way := range more {
			s.Loosens = append(s.Loosens, "nested: "+way)
		}
	}
	return save(s)
}

// loosen tries to get at the host through /sys, and returns what worked.
func loosen() (worked []string) {
	writable := &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"mount_setattr of all", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys", unix.AT_RECURSIVE, writable) }},
		{"mount_setattr", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys", 0, writable) }},
		{"mount_setattr of the control groups", func() error { return unix.MountSetattr(unix.AT_FDCWD, "/sys/fs/cgroup", 0, writable) }},
		{"remounting the mount", func() error { return unix.Mount("", "/sys", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
		{"remounting the filesystem", func() error { return unix.Mount("", "/sys", "", unix.MS_REMOUNT, "") }},
		{"uncovering", func() error { return unix.Unmount("/sys/firmware", unix.MNT_DETACH) }},
		{"unmounting", func() error { return unix.Unmount("/sys", unix.MNT_DETACH) }},
		{"writing", func() error { return unix.Mkdir("/sys/fs/cgroup/unc-test", 0o755) }},
	} {
		if way.do() == nil {
			worked = append(worked, way.name)
		}
	}
	return worked
}

// childAsks sends a word to DNSAddress by both protocols.
func childAsks() error {
	var s seen
	for _, protocol := range []string{"udp", "tcp"} {
		answer, err := ask(protocol)
		if err != nil {
			return err
		}
		s.Answers = append(s.Answers, answer)
	}
	return save(s)
}

func ask(protocol string) (string, error) {
	conn, err := net.Dial(protocol, DNSAddress.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	buf := make([]byte, 100)
	n := 0
	err = conn.SetDeadline(soon())
	if err == nil {
		_, err = io.WriteString(conn, "who by "+protocol)
	}
	if err == nil {
		n, err = conn.Read(buf)
	}
	return string(buf[:n]), err
}

// soon is when a test gives up.
func soon() time.Time { return time.Now().Add(10 * time.Second) }
