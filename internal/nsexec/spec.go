package nsexec

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// Spec says what container to make. The caller of Start fills it in.
type Spec struct {
	// Rootfs is the directory that becomes the container's root, with all that
	// is mounted below it. Empty means a throw-away copy of the host's own
	// system: see system.go.
	Rootfs string

	// Ephemeral leaves Rootfs as it is: what the container writes there stays in
	// memory and goes with it.
	Ephemeral bool

	// ReadOnly makes the root read-only, with a writable /tmp, /var/tmp, /run and
	// /dev/shm of its own.
	ReadOnly bool

	// Mounts are added to that tree. One target may lie in another.
	Mounts []Mount

	// Hostname of the container, at most 64 letters, digits, dots and dashes (hostname(7)).
	Hostname string

	// Args is the command and its arguments. A command without a slash is
	// looked for inside the container, in the directories of PATH in Env, or of Path.
	Args []string

	// Env is the whole environment of the command, "NAME=value" each.
	Env []string

	// Workdir is where the command starts, an absolute path inside; made when it is
	// missing. Empty means "/".
	Workdir string

	// IDs is how the ids inside correspond to those outside; the caller's must be among
	// them.
	IDs idmap.Map

	// User is who the command runs as, in ids inside.
	User User

	// Capabilities are what the command may have at most, and has when it is root
	// inside. Ambient, a part of them, it has as any user.
	Capabilities, Ambient Capabilities

	// Filter is the command's seccomp filter, as seccomp(2) takes it. Empty means none.
	Filter []unix.SockFilter

	// KeysRefused says that Filter refuses keyctl(2) and its like. Without it there is no
	// container when the user's quota of keys leaves none for a session keyring.
	KeysRefused bool

	// Limits are the command's resource limits (getrlimit(2)).
	Limits []Limit

	// Cgroup is the control group that the container is born in, a directory of cgroup v2.
	// Nil means the caller's.
	Cgroup *os.File

	// Network is where the container is: by default in a network namespace of its own.
	Network Network

	// Join is the container that JoinedNetwork is that of, nil for every other. It is to
	// stay open as long as others may join this one.
	Join *Target

	// NoInit makes the command itself pid 1.
	NoInit bool

	// Terminal says which of the descriptors 0, 1 and 2 become the
	// pseudo-terminal that the container gets when any of them does. The
	// others are passed on as they are.
	Terminal [3]bool
}

// Mount is something of the host's, or something new, in the container's tree. All of
// them are nosuid, and but for devices nodev.
type Mount struct {
	Kind   MountKind
	Source string // a path of the host's, relative to the working directory; not for Tmpfs
	Target string // an absolute, clean path inside, made when it is missing

	ReadOnly bool
	NoExec   bool
	Size     string // of a Tmpfs, as tmpfs(5) has it; empty: half of the memory
	Mode     uint32 // of a Tmpfs, permission bits
}

// MountKind is what a Mount shows.
type MountKind int

const (
	Bind   MountKind = iota // a file or directory, with all that is mounted below it
	Tmpfs                   // an empty filesystem in memory
	Device                  // a device node, or a directory of them, that can be used as such
)

// User is who a command runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // supplementary ones; nil leaves the caller's
}

// Limit is one resource limit: unix.RLIMIT_NOFILE, say, with unix.RLIM_INFINITY for none.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// Path is where commands are looked for inside a container that has no PATH of its own.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// path is where the command is looked for.
func (s *Spec) path() string {
	for _, variable := range slices.Backward(s.Env) {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			return path
		}
	}
	return Path
}

func (s *Spec) wantsTerminal() bool { return s.Terminal[0] || s.Terminal[1] || s.Terminal[2] }
