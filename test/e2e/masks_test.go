package e2e

import "testing"

// Each script runs in a container, in busybox's sh.
var masks = []struct {
	name, script string
	works        bool
	prints       string // exactly, when it works
}{
	{"sysctls can't be written", "echo 1 >/proc/sys/net/ipv4/ip_forward", false, ""},
	{"the hostname can't be written", "echo x >/proc/sys/kernel/hostname", false, ""},
	{"sysrq can't be triggered", "echo h >/proc/sysrq-trigger", false, ""},
	{"interrupts can't be moved", "echo 1 >/proc/irq/default_smp_affinity", false, ""},
	{"/proc/kcore is empty", "[ ! -e /proc/kcore ] || cat /proc/kcore", true, ""},
	{"/proc/keys is empty", "[ ! -e /proc/keys ] || cat /proc/keys", true, ""},
	{"/proc/timer_list is empty", "[ ! -e /proc/timer_list ] || cat /proc/timer_list", true, ""},
	{"/proc/sched_debug is empty", "[ ! -e /proc/sched_debug ] || cat /proc/sched_debug", true, ""},
	{"/proc/acpi is empty", "[ ! -e /proc/acpi ] || ls -A /proc/acpi", true, ""},
	{"/proc/scsi is empty", "[ ! -e /proc/scsi ] || ls -A /proc/scsi", true, ""},
	{"/sys is read-only", "touch /sys/x || mkdir /sys/fs/x || echo 1 >/sys/class/net/eth0/mtu", false, ""},
	{"/sys/firmware is empty", "[ ! -e /sys/firmware ] || ls -A /sys/firmware", true, ""},
	{"/sys shows its own network", "ls /sys/class/net | tr '\\n' ' '", true, "eth0 lo "},
	{"masks can't be taken off", "umount /proc/sys || umount -l /proc/kcore || umount /sys/firmware || umount /proc || umount /", false, ""},
	{"masks can't be remounted", "mount -o remount,rw /proc/sys || mount -o remount,bind,rw /sys", false, ""},
	{"nothing can be mounted", "mount -t tmpfs x /tmp || mount -t proc x /tmp || mount --bind /bin /tmp", false, ""},
	{"no user namespace can be made for mounts", "unshare -Um sh -c 'umount /proc/sys || umount -l /proc/kcore || mount -o remount,bind,rw /proc/sys'", false, ""},
	{"no namespace without one", "unshare -m true || unshare -n true || unshare -u true", false, ""},
	{"the root can't be changed", "mkdir -p /tmp/r && pivot_root /tmp/r /tmp/r", false, ""},
	{"no device can be made", "mknod /tmp/null c 1 3 && echo x >/tmp/null", false, ""},
	{"the network can't be changed", "ip addr add 10.100.42.2/24 dev eth0 || ip link set eth0 down || ip link set eth0 address 02:75:0a:64:2a:02 || ip route del default", false, ""},
	{"the clock can't be set", "date -s 2000-01-01; [ $(date +%Y) = 2000 ]", false, ""},
	{"the hostname can't be set", "hostname other", false, ""},
	{"processes outside can't be seen", "kill -0 3000 || ls -d /proc/3000", false, ""},

	{"the hostname is shown", "[ $(hostname) = $(cat /etc/hostname) ]", true, ""},
	{"/dev/null", "echo x >/dev/null && cat /dev/null", true, ""},
	{"/dev/zero", "head -c 2 /dev/zero | od -An -tx1", true, " 00 00\n"},
	{"/dev/full", "echo x >/dev/full", false, ""},
	{"/dev/urandom", "head -c 100 /dev/urandom | wc -c", true, "100\n"},
	{"/dev/random", "head -c 10 /dev/random | wc -c", true, "10\n"},
	{"/dev/ptmx", "exec 5<>/dev/ptmx && ls /dev/pts/0", true, "/dev/pts/0\n"},
	{"/dev/shm", "echo x >/dev/shm/file && cat /dev/shm/file", true, "x\n"},
	{"/dev/mqueue", "touch /dev/mqueue/queue && ls /dev/mqueue", true, "queue\n"},
	{"/dev/stdin and its kind", "{ echo x | cat /dev/stdin; echo y >/dev/stdout; ls -d /dev/fd/1; } | cat", true, "x\ny\n/dev/fd/1\n"},
	{"/dev has nothing else", "ls -A /dev | tr '\\n' ' '", true, "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero "},
	{"no terminal", "[ ! -e /dev/console ] && ! cat /dev/tty", true, "cat: can't open '/dev/tty': No such device or address\n"},
	{"loopback", "ping -c 1 -W 5 127.0.0.1 >/dev/null", true, ""},
	{"its own address", "ping -c 1 -W 5 $(hostname -i) >/dev/null", true, ""},
	{"low ports", "{ nc -l -p 80 -w 10 <&- >&- & } && until nc -w 1 127.0.0.1 80 </dev/null 2>/dev/null; do kill -0 $! || exit; done", true, ""},
	{"root", "id -u && id -g && chown 0:0 /tmp", true, "0\n0\n"},
	{"chroot", "mkdir -p /tmp/c/bin && cp /bin/busybox /tmp/c/bin/sh && chroot /tmp/c /bin/sh -c 'echo in'", true, "in\n"},
	{"few open files", "ulimit -n", true, "1024\n"},
	{"files are for others to read", "umask", true, "0022\n"},
	{"the root directory", "pwd", true, "/\n"},
}

func TestMasks(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.alice, busyboxRootfs(t, h.alice))
	for _, test := range masks {
		output, code := s.try("(" + test.script + ")")
		switch {
		case (code == 0) != test.works:
			t.Errorf("%s: %s: exit code %d: %s", test.name, test.script, code, output)
		case test.works && output != test.prints:
			t.Errorf("%s: %s: got %q, want %q", test.name, test.script, output, test.prints)
		}
	}
	s.end()
}
