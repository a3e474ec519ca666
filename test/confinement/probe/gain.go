package main

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/test/confinement"
)

// gainTries are ways to more than one has.
func gainTries() []try {
	const group = "Gaining privilege"
	return []try{
		{group, "become another user by", "a setuid file", setuidFile},
		{group, "gain a capability by", "a file that has it (all dropped before)", setcapFile},
		{group, "gain the bounding set by", "executing as root (all dropped before)", gainByRoot},
		{group, "mount in", "a user namespace of one's own", func() error { return inUserns("mount") }},
		{group, "unmask /proc/keys in", "a user namespace of one's own", func() error { return inUserns("unmask") }},
		{group, "change", "the securebits", func() error {
			return unix.Prctl(unix.PR_SET_SECUREBITS, 1<<0, 0, 0, 0) // SECBIT_NOROOT
		}},
		{group, "filter", "one's own system calls", installFilter},
		{group, "restrict oneself with", "Landlock", func() error {
			handled := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE)
			return opens(unix.SYS_LANDLOCK_CREATE_RULESET, addr(&handled), 8, 0)
		}},
	}
}

func setuidFile() error {
	uid, err := asks(nil, "/setuid", "help", "uid")
	if err != nil {
		return err
	}
	if uid == strconv.Itoa(os.Geteuid()) {
		return errIgnored
	}
	return nil
}

// setcapFile is executed by who is not root: root gets every capability of the bounding
// set anyway.
func setcapFile() error {
	if os.Geteuid() == 0 {
		if err := call(unix.SYS_SETRESUID, otherID, otherID, otherID); err != nil {
			return before("become another user", err)
		}
	}
	if err := dropAll(); err != nil {
		return before("drop", err)
	}
	return gainsRaw("/setcap")
}

func gainByRoot() error {
	if os.Geteuid() != 0 {
		return errMissing
	}
	if err := dropAll(); err != nil {
		return before("drop", err)
	}
	return gainsRaw(self)
}

// gainsRaw executes the probe from a file, which then looks whether it has CAP_NET_RAW.
func gainsRaw(program string) error {
	said, err := asks(nil, program, "help", "raw")
	if err != nil {
		return err
	}
	if said != confinement.Yes {
		return errIgnored
	}
	return nil
}

// inUserns does something as root of a new user namespace and mount namespace.
func inUserns(what string) error {
	said, err := asks(&syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}, self, "help", what)
	switch {
	case err != nil:
		return err
	case said != confinement.Yes:
		return found(said)
	}
	return nil
}

func installFilter() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return before("no_new_privs", err)
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	return call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, addr(&unix.SockFprog{Len: 1, Filter: &allow}))
}
