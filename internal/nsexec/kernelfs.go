package nsexec

import (
	"slices"

	"golang.org/x/sys/unix"
)

// What a container sees of /proc and /sys; the names follow Docker's defaults,
// because programs are used to them. A name that this kernel lacks is left out.
var (
	procReadOnly = []string{"bus", "fs", "irq", "sys", "sysrq-trigger"}
	procNoFile   = []string{"interrupts", "kcore", "keys", "latency_stats", "sched_debug", "timer_list", "timer_stats"}
	procNoDir    = []string{"acpi", "asound", "scsi"}
	sysNoDir     = []string{"firmware", "devices/virtual/powercap"}

	// sysMounted is where hosts mount other filesystems inside /sys, most of them by
	// systemd(1), in mount-setup.c and its sys-*.mount units: directories that are empty
	// in a sysfs of a container's own. Control groups stay in sight, read-only.
	sysMounted = []string{
		"fs/bpf", "fs/fuse/connections", "fs/pstore", "fs/resctrl", "fs/selinux", "fs/smackfs",
		"kernel/config", "kernel/debug", "kernel/security", "kernel/tracing",
	}

	deviceNodes = []string{"full", "null", "random", "tty", "urandom", "zero"}
	devLinks    = [][2]string{
		{"fd", "/proc/self/fd"},
		{"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"},
		{"ptmx", "pts/ptmx"},
	}
)

// mountKernelFilesystems gives the rootfs its own /dev, /proc and /sys. The host's
// /proc and /sys must still be in sight: the kernel lets a user namespace mount
// them only where all of them can be seen already (mount_too_revealing in
// fs/namespace.c).
func (p *program) mountKernelFilesystems(b base, spec *Spec) {
	dev := p.newMount("tmpfs", attrPlain, "mode", "755", "size", "1m")
	p.attachIn(b.root, dev, "dev")
	p.fillDev(dev)

	proc := p.newMount("proc", attrPlain)
	p.attachIn(b.root, proc, "proc")
	p.tune(spec, proc, dev)
	for _, name := range procReadOnly {
		p.makeReadOnly(proc, name)
	}
	for _, name := range procNoFile {
		p.cover(proc, name, dev, "null")
	}
	for _, name := range procNoDir {
		p.cover(proc, name, b.empty, "")
	}
	p.freeSlot(proc)
	p.mountSys(b, spec)
	p.freeSlot(dev)
}

// mountSys mounts a sysfs, which shows the network namespace that it is made in.
// Only who owns that one may make it (sysfs_init_fs_context in fs/sysfs/mount.c), so
// a container in the host's network gets the host's /sys: with all that is mounted
// in there, or the kernel refuses it (has_locked_children in fs/namespace.c).
//
// A container with a control group of its own sees its limits there, read-only, as
// programs that size themselves by them expect.
func (p *program) mountSys(b base, spec *Spec) {
	var sys slot
	hidden := sysNoDir
	if spec.Network == HostNetwork {
		const doing = "binding the host's /sys"
		sys = p.newSlot()
		p.clone(doing, here, "/sys", unix.AT_RECURSIVE, sys)
		p.setAttrs(doing, sys, unix.AT_RECURSIVE, attrReadOnly)
		hidden = slices.Concat(sysNoDir, sysMounted)
	} else {
		sys = p.newMount("sysfs", attrReadOnly)
	}
	p.attachIn(b.root, sys, "sys")
	for _, name := range hidden {
		p.cover(sys, name, b.empty, "")
	}
	if spec.Cgroup != nil {
		groups := p.newMount("cgroup2", attrReadOnly)
		p.attach("mounting /sys/fs/cgroup", groups, sys.word(), "fs/cgroup")
		p.freeSlot(groups)
	}
	p.freeSlot(sys)
}

// fillDev populates the tmpfs in dev. Device nodes are the host's, bound: a user
// namespace can't make its own.
func (p *program) fillDev(dev slot) {
	for _, name := range deviceNodes {
		doing := "binding /dev/" + name
		p.touch(doing, dev.word(), name)
		t := p.newSlot()
		p.clone(doing, here, "/dev/"+name, 0, t)
		p.setAttrs(doing, t, 0, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
		p.attach(doing, t, dev.word(), name)
		p.freeSlot(t)
	}
	for _, link := range devLinks {
		p.call("linking /dev/"+link[0], unix.SYS_SYMLINKAT, p.str(link[1]), dev.word(), p.str(link[0]))
	}
	for _, fs := range [][]string{{"shm", "tmpfs", "mode", "1777"}, {"mqueue", "mqueue"}} {
		m := p.newSlot()
		p.mountIn(m, dev, fs[0], fs[1], attrPlain, fs[2:]...)
		p.freeSlot(m)
	}
	p.mountIn(p.pts, dev, "pts", "devpts", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC,
		"ptmxmode", "0666", "mode", "0620")
	if p.terminal != none {
		p.openTerminal(dev)
	}
}

// mountIn mounts a new filesystem on a new directory of our own /dev, and leaves it in m.
func (p *program) mountIn(m, dev slot, name, fstype string, attrs uint64, options ...string) {
	doing := "mounting /dev/" + name
	p.mkdir(doing, dev.word(), name, 0o755)
	p.newMountIn(m, fstype, attrs, options...)
	p.attach(doing, m, dev.word(), name)
}

// openTerminal opens a pseudo-terminal of the container's own devpts, so that
// it has a name in there, and makes its other side /dev/console. NewTerminal opens those
// of later commands.
func (p *program) openTerminal(dev slot) {
	const doing = "opening a pseudo-terminal"
	p.call(doing, unix.SYS_OPENAT, p.pts.word(), p.str("ptmx"), num(terminalFlags)).to(p.terminal)
	p.call(doing, unix.SYS_IOCTL, p.terminal.word(), num(unix.TIOCSPTLCK), keep(p, int32(0)))
	p.call(doing, unix.SYS_IOCTL, p.terminal.word(), num(unix.TIOCGPTPEER), num(terminalFlags)).to(p.tty)
	p.touch(doing, dev.word(), "console")
	console := p.newSlot()
	// The first one opened in a new devpts is number 0.
	p.clone(doing, p.pts.word(), "0", 0, console)
	p.attach(doing, console, dev.word(), "console")
	p.freeSlot(console)
}
