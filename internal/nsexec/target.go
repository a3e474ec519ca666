package nsexec

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
	"unc/internal/rawio"
	"unc/internal/userns"
)

// Target is a running container, for another one to join its network. The descriptors
// keep the network, and with it address and name, for as long as they are open.
type Target struct {
	// IDs are those of its user namespace, and so of whoever joins.
	IDs idmap.Map

	userns, netns *os.File
}

// ErrNotYours is the one answer to every network that is not that of a container of
// the caller's. It does not say why: that would tell about other users' processes.
var ErrNotYours = errors.New("only the network of another container of your own can be joined")

// Offer opens what OpenTarget takes, of this container: for its supervisor, who alone
// can. Of pid 1, which is not dumpable, nobody but root can open the namespaces in
// proc(5), and the processes that it started may be anywhere. It is to be called before
// the handles are closed or given away; the files are the caller's to close.
func (c *Child) Offer(h *Handles) (init, netns *os.File, err error) {
	const doing = "opening the container's network"
	fd := -1
	switch {
	case c.spec.Network == HostNetwork:
		return nil, nil, errors.New("the container is in the host's network, which --network host has as well")
	case c.spec.Capabilities&(1<<unix.CAP_SYS_ADMIN) != 0:
		return nil, nil, errors.New("the container has CAP_SYS_ADMIN, which would reach into the mounts of whatever joins it")
	case c.spec.Join != nil:
		fd, err = duplicate(int(c.spec.Join.netns.Fd()))
	default:
		socket := h.DNSPacket
		if socket == nil {
			socket = h.Socket
		}
		fd, err = networkOf(socket)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", doing, err)
	}
	netns = os.NewFile(uintptr(fd), "netns")
	pidfd, err := duplicate(c.pidfd)
	if err != nil {
		netns.Close()
		return nil, nil, fmt.Errorf("%s: %w", doing, err)
	}
	return os.NewFile(uintptr(pidfd), "init"), netns, nil
}

// networkOf opens the network namespace that a socket is in, as the owner of the user
// namespace that it belongs to (SIOCGSKNS, sock_ioctl in net/socket.c). File.Fd would
// make the socket a blocking one.
func networkOf(socket *os.File) (netns int, err error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return -1, err
	}
	var errno error
	err = raw.Control(func(fd uintptr) { netns, errno = unix.IoctlRetInt(int(fd), unix.SIOCGSKNS) })
	return netns, errors.Join(err, errno)
}

func duplicate(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3) }

// OpenTarget takes the two descriptors of a container that its supervisor has got from
// Offer, and makes sure that its network can be joined. They are its own from then on,
// also when there is an error.
//
// Should: ask the kernel about the descriptors themselves, for numbers change hands.
// Mustn't: tell one refusal of a stranger's network from another.
func OpenTarget(init, netns *os.File) (*Target, error) {
	defer init.Close()
	t := &Target{netns: netns}
	err := t.examine(int(init.Fd()))
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close lets go of the network.
func (t *Target) Close() {
	t.netns.Close()
	if t.userns != nil {
		t.userns.Close()
	}
}

func (t *Target) examine(init int) error {
	owner, err := userns.OwnerOf(int(t.netns.Fd()), uint32(os.Geteuid()))
	if err != nil {
		return ErrNotYours
	}
	t.userns = os.NewFile(uintptr(owner), "userns")
	pid, err := numberOf(init)
	if err != nil {
		return err
	}
	ids, idsErr := idmap.Of(pid)
	// Whatever was read is another process's if that number has changed hands meanwhile.
	if now, err := numberOf(init); err != nil || now != pid {
		return ErrEnded
	}
	if idsErr != nil {
		return fmt.Errorf("looking at the container's process 1: %w", idsErr)
	}
	t.IDs = ids
	return nil
}

// maxFdinfo is how much is read of what proc(5) says about a descriptor, in bytes.
const maxFdinfo = 4 << 10

// numberOf is the number of the process that a pidfd stands for, ErrEnded when that has
// ended (pidfd_open(2)).
func numberOf(pidfd int) (int, error) {
	text, err := rawio.ReadFile("/proc/self/fdinfo/"+strconv.Itoa(pidfd), maxFdinfo)
	if err != nil {
		return 0, fmt.Errorf("looking at the container's process 1: %w", err)
	}
	value, ok := rawio.Field(string(text), "Pid")
	if !ok {
		return 0, ErrNotYours // no pidfd
	}
	pid, err := strconv.Atoi(value)
	// One that has ended and was not waited for keeps its number.
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if n, pollErr := unix.Poll(poll, 0); err != nil || pid <= 0 || pollErr != nil || n != 0 {
		return 0, ErrEnded
	}
	return pid, nil
}
