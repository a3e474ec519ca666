package nsexec

import (
	"fmt"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// mapIdentity gives the user namespace its ids (user_namespaces(7)). The caller's own
// to one inside the child may write itself; setgroups is denied first, or the gid map
// is refused. More than that the parent sees to, and tells when it is done.
func (p *program) mapIdentity(m idmap.Map, sock int) {
	if !m.IsSingle() {
		p.await("waiting for its ids", sock)
		return
	}
	first := len(p.steps)
	for _, file := range [][2]string{
		{"setgroups", "deny"},
		{"uid_map", line(m.UIDs[0])},
		{"gid_map", line(m.GIDs[0])},
	} {
		p.writeProc(here, "/proc/self/"+file[0], file[1])
	}
	p.takesCapability(&p.steps[first]) // proc_setgroups_open in fs/proc/base.c
}

// writeProc writes to a file of proc(5), in the directory dir. One that can't be opened for
// one of the given reasons stays as it is.
func (p *program) writeProc(dir word, file, text string, unless ...syscall.Errno) {
	doing := "writing " + path.Base(file)
	f := p.newSlot()
	p.call(doing, unix.SYS_OPENAT, dir, p.str(file), num(unix.O_WRONLY|unix.O_CLOEXEC)).to(f)
	write := func() {
		p.call(doing, unix.SYS_WRITE, f.word(), p.str(text), num(len(text)))
		p.freeSlot(f)
	}
	if len(unless) == 0 {
		write()
	} else {
		p.optional(write, unless...)
	}
}

func line(r idmap.Range) string { return fmt.Sprintf("%d %d %d", r.Inside, r.Outside, r.Count) }

// own is who the child is inside, without having changed.
func (s *Spec) own() (uid, gid uint32) {
	uid, _ = s.IDs.InsideUID(uint32(os.Geteuid()))
	gid, _ = s.IDs.InsideGID(uint32(os.Getegid()))
	return uid, gid
}

// switches tells whether the command runs as another user than the child.
func (s *Spec) switches() bool {
	uid, gid := s.own()
	return s.User.UID != uid || s.User.GID != gid || s.User.Groups != nil
}

// giveStreams lets another user than the caller open the terminal and pipes anew, as
// programs do with /dev/stdout. The terminal becomes his. A pipe stays its owner's, who
// may open it anew as well, and is opened to everybody: it has no name but in proc(5),
// among the descriptors of those who have it. Files stay as they are. It comes before
// all capabilities are lost; of pid 1's, CHOWN may be missing. here is what descriptors 0
// to 2 of the child are called in this process.
func (p *program) giveStreams(spec *Spec, here [3]int) {
	uid, _ := spec.own()
	if spec.User.UID == uid {
		return
	}
	keepGroup := ^uint32(0) // chown(2): -1 leaves it
	if p.tty != none {
		p.call("giving the terminal to the user", unix.SYS_FCHOWN, p.tty.word(), num(spec.User.UID), num(keepGroup)).forgive(unix.EPERM)
	}
	for fd, terminal := range spec.Terminal {
		var fs unix.Statfs_t
		if !terminal && unix.Fstatfs(here[fd], &fs) == nil && fs.Type == unix.PIPEFS_MAGIC {
			// It may be somebody else's, from the other side of a sudo say.
			p.call("opening a pipe to the user", unix.SYS_FCHMOD, num(fd), num(0o666)).forgive(unix.EPERM)
		}
	}
}

// keepOthersOut keeps them from looking into the process (ptrace(2), "Ptrace access mode
// checking"), up to its execve.
func (p *program) keepOthersOut() {
	p.call("keeping others from looking in", unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(0), num(0), num(0), num(0))
}

// becomeUser makes the process the command's user, with the capabilities that the
// command is to have. As another user than root, execve leaves it the ambient ones
// alone (capabilities(7), "Transformation of capabilities during execve()").
func (p *program) becomeUser(spec *Spec, sock int) {
	if spec.switches() {
		const doing = "becoming the user"
		// Or setresuid takes every capability away, the ambient ones before they are any.
		p.call(doing, unix.SYS_PRCTL, num(unix.PR_SET_KEEPCAPS), num(1), num(0), num(0), num(0))
		if spec.User.Groups != nil {
			p.call(doing, unix.SYS_SETGROUPS, num(len(spec.User.Groups)), keep(p, spec.User.Groups...))
		}
		uid, gid := num(spec.User.UID), num(spec.User.GID)
		p.call(doing, unix.SYS_SETRESGID, gid, gid, gid)
		p.call(doing, unix.SYS_SETRESUID, uid, uid, uid)
		// It may be traced by its new user now, where fs.suid_dumpable is 1 (commit_creds in
		// kernel/cred.c), and still has the supervisor's memory. Before it loses capabilities:
		// until then it has more of them than that user, who needs as many
		// (cap_ptrace_access_check in security/commoncap.c).
		p.keepOthersOut()
		if spec.NoInit {
			// A change of user clears it (PR_SET_PDEATHSIG(2const)); what happened meanwhile
			// is seen as the end of the conversation.
			p.dieWithParent()
			p.call("looking for the supervisor", unix.SYS_RECVFROM, num(sock), keep(p, [8]byte{}), num(8),
				num(unix.MSG_DONTWAIT), num(0), num(0)).forgive(unix.EAGAIN).quiet = true
		}
	}
	if spec.User.UID == 0 {
		p.setCapabilities(spec.Capabilities, 0)
		return
	}
	p.setCapabilities(spec.Ambient, spec.Ambient)
	for c := range spec.Ambient.each {
		p.call("raising an ambient capability", unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(c), num(0), num(0))
	}
}
