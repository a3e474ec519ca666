package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// capSet is a set as proc_pid_status(5) shows it.
func capSet(list ...uint) string {
	var set uint64
	for _, c := range list {
		set |= 1 << c
	}
	return fmt.Sprintf("%016x", set)
}

// everyCap is all that this kernel knows.
func everyCap(t *testing.T) []uint {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	must(t, err)
	var last uint
	_, err = fmt.Sscan(string(text), &last)
	must(t, err)
	var all []uint
	for c := range last + 1 {
		all = append(all, c)
	}
	return all
}

func without(list []uint, c uint) []uint {
	return slices.DeleteFunc(slices.Clone(list), func(other uint) bool { return other == c })
}

func TestCapabilitiesOfOnesChoice(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	usual := []uint{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID,
		unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_SYS_CHROOT, unix.CAP_SETFCAP,
	}
	if capSet(usual...) != insideCaps() {
		t.Fatal("these are not the usual ones")
	}
	all := everyCap(t)
	const admin = unix.CAP_NET_ADMIN
	for _, test := range []struct {
		flags             []string
		bounding, ambient []uint // root has the first, and others the second
	}{
		{nil, usual, nil},
		{[]string{"--cap-drop", "ALL"}, nil, nil},
		{[]string{"--cap-drop=all", "--cap-add", "net_raw"}, []uint{unix.CAP_NET_RAW}, []uint{unix.CAP_NET_RAW}},
		{[]string{"--cap-add", "NET_ADMIN"}, append(usual, admin), []uint{admin}},
		{[]string{"--cap-add", "CAP_NET_ADMIN", "--cap-drop", "Cap_Chown,kill"}, append(without(without(usual, unix.CAP_CHOWN), unix.CAP_KILL), admin), []uint{admin}},
		{[]string{"--cap-add", "CHOWN"}, usual, []uint{unix.CAP_CHOWN}},
		{[]string{"--cap-add", "ALL"}, all, all},
		{[]string{"--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"}, without(all, unix.CAP_SYS_ADMIN), without(all, unix.CAP_SYS_ADMIN)},
	} {
		for _, who := range []struct {
			flags []string
			root  bool
		}{
			{nil, true},
			{[]string{"--no-init"}, true},
			{[]string{"-u", "carol"}, false},
			{[]string{"-u", "carol", "--no-init"}, false},
			{[]string{"-u", "carol", "--userns=single"}, false},
		} {
			t.Run(strings.Join(append(test.flags, who.flags...), " "), func(t *testing.T) {
				d := d.of(t)
				args := slices.Concat([]string{"run", "--network", "none", "--rootfs", rootfs}, test.flags, who.flags)
				// That of a program which is executed once more.
				got := d.run(d.unc(append(args, "sh", "-c", "exec cat /proc/self/status")...)).works(t)
				want := map[string]string{
					"CapBnd": capSet(test.bounding...), "CapPrm": capSet(test.ambient...), "CapEff": capSet(test.ambient...),
					"CapInh": capSet(test.ambient...), "CapAmb": capSet(test.ambient...),
				}
				if who.root {
					want["CapPrm"], want["CapEff"], want["CapInh"], want["CapAmb"] = want["CapBnd"], want["CapBnd"], noCaps, noCaps
				}
				for name, value := range want {
					if has := rightsIn(got)[name]; has != value {
						t.Errorf("%s is %s, want %s", name, has, value)
					}
				}
				if !strings.Contains(got, "\nNoNewPrivs:\t1\n") || !strings.Contains(got, "\nSeccomp:\t2\n") {
					t.Errorf("the command is not under no_new_privs and a filter: %s", got)
				}
			})
		}
	}
}

// What a capability is for works with it, and without it does not.
func TestCapabilitiesAreOfUse(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	for _, test := range []struct {
		flags  []string
		script string
		works  bool
	}{
		{nil, "chown 5:6 /open", true},
		{[]string{"--cap-drop", "CHOWN"}, "chown 5:6 /open", false},
		{[]string{"-u", "carol"}, "chown 5:6 /open", false},
		{[]string{"-u", "carol", "--cap-add", "CHOWN"}, "chown 5:6 /open", true},
		{nil, "ip link set lo mtu 1400", false},
		{[]string{"--cap-add", "NET_ADMIN"}, "ip link set lo mtu 1400", true},
		{[]string{"--cap-add", "NET_ADMIN", "-u", "carol"}, "ip link set lo mtu 1400", true},
		{[]string{"--cap-drop", "SYS_CHROOT"}, "chroot / true", false},
		{[]string{"--cap-drop", "ALL"}, "touch /open/x; chmod 600 /open/x && rm /open/x", true},
	} {
		t.Run(strings.Join(append(test.flags, test.script), " "), func(t *testing.T) {
			d := d.of(t)
			args := append([]string{"run", "--network", "none", "-x", "--rootfs", rootfs}, test.flags...)
			if got := d.run(d.unc(append(args, "sh", "-c", test.script)...)); (got.code == 0) != test.works {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
			}
		})
	}
}

// Process 1 keeps what it takes to pass signals on, and to make the command somebody,
// whatever the command may.
func TestSignalsReachACommandThatMayNothing(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	for _, test := range []struct {
		name    string
		flags   []string
		command []string
	}{
		{"no KILL", []string{"-u", "carol", "--cap-drop", "KILL"}, nil},
		{"no SETUID", []string{"-u", "carol", "--cap-drop", "SETUID", "--cap-drop", "SETGID"}, nil},
		{"nothing at all", []string{"-u", "carol", "--cap-drop", "ALL"}, nil},
		{"nothing at all, and no init", []string{"-u", "carol", "--cap-drop", "ALL", "--no-init"}, nil},
		{"no KILL, and another user by itself", []string{"--cap-drop", "KILL"}, []string{"su", "carol", "-s", "/bin/sh", "-c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := d.with(t)
			if test.command == nil {
				test.command = []string{"sh", "-c"}
			}
			args := slices.Concat([]string{"run", "--network", "none", "--rootfs", rootfs}, test.flags, test.command)
			cmd := d.unc(append(args, "id -u; "+trapping)...)
			out, err := cmd.StdoutPipe()
			must(t, err)
			d.start(cmd)
			expect := expectLines(t, out)
			expect("1000")
			expect("ready")
			for _, name := range []string{"HUP", "USR1", "INT", "TERM"} {
				kill(t, cmd.Process.Pid, forwarded[name])
				expect("got " + name)
			}
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			if code := wait(t, cmd); code != 42 {
				t.Errorf("exit code %d, want the command's 42", code)
			}
			eventually(t, "no process left", func() bool { return len(d.subordinates()) == 0 })
		})
	}
}

// In the root, too, no file makes anybody more than he is (for volumes: TestVolumesGiveNothing).
func TestFilesOfTheRootGiveNothing(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	setuid, capable, rooted := filepath.Join(rootfs, "open/setuid"), filepath.Join(rootfs, "open/capable"), filepath.Join(rootfs, "open/rooted")
	for _, program := range []string{setuid, capable, rooted} {
		must(t, copyFile(program, "/bin/cat", 0o755)) // not busybox, which gives up by itself what it gains
		must(t, os.Chown(program, d.alice.uid, d.alice.gid))
	}
	must(t, os.Chmod(setuid, 0o755|os.ModeSetuid|os.ModeSetgid))
	for _, name := range []string{"lib", "lib64"} {
		must(t, os.Symlink("usr/"+name, filepath.Join(rootfs, name)))
	}
	// Of the machine's root, and of that of a namespace in which alice is root.
	for _, args := range [][]string{{"cap_chown,cap_sys_admin+eip", capable}, {"-n", fmt.Sprint(d.alice.uid), "cap_chown,cap_sys_admin+eip", rooted}} {
		if out, err := exec.Command("setcap", args...).CombinedOutput(); err != nil {
			t.Fatalf("setting a file capability: %v\n%s", err, out)
		}
	}
	outside := d.as(d.bob, setuid, "/proc/self/status")
	if got, want := rightsIn(d.run(outside).works(t))["Uid"], fmt.Sprintf("%d\t%d\t%[2]d\t%[2]d", d.bob.uid, d.alice.uid); got != want {
		t.Fatalf("outside, the setuid program has uids %q, want %q", got, want)
	}
	for _, flags := range [][]string{
		nil,
		{"-u", "1000:1001"},
		{"-u", "1000:1001", "--cap-drop", "ALL"},
		{"-u", "1000:1001", "--userns", "single"},
		{"--userns", "keep-id"},
		{"-u", "1000:1001", "-x"},
		{"-u", "1000:1001", "--security-opt", "seccomp=unconfined"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			d := d.of(t)
			s := d.open(d.unc(append(append([]string{"run", "--network", "none", "--rootfs", rootfs, "-v", "/usr:/usr:ro"}, flags...), "sh")...))
			want := rightsIn(s.do("cat /proc/self/status"))
			for _, program := range []string{"setuid", "capable", "rooted"} {
				if diff := differences(want, rightsIn(s.do("/open/"+program+" /proc/self/status"))); len(diff) > 0 {
					t.Errorf("what %s has is not what others have:\n%s", program, strings.Join(diff, "\n"))
				}
			}
			s.end()
		})
	}
}
