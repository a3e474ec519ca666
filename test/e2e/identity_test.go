package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// carol is a user of the root file systems of these tests, with a home and two groups
// besides her own; dave has neither.
const (
	containersUsers  = "root:x:0:0::/root:/bin/sh\ncarol:x:1000:1001::/home/carol:/bin/sh\ndave:x:2000:2000:::/bin/sh\n"
	containersGroups = "root:x:0:\ncarol:x:1001:\nwheel:x:10:carol\nstaff:x:50:dave,carol\nfar:x:70000:frank\n"
)

// rootfsWithUsers has a directory "open" besides, that is everybody's.
func rootfsWithUsers(t *testing.T, u user) string {
	t.Helper()
	rootfs := busyboxRootfs(t, u)
	must(t, os.WriteFile(filepath.Join(rootfs, "etc/passwd"), []byte(containersUsers), 0o644))
	must(t, os.WriteFile(filepath.Join(rootfs, "etc/group"), []byte(containersGroups), 0o644))
	must(t, mkdir(filepath.Join(rootfs, "open")))
	giveTo(t, u, rootfs)
	must(t, os.Chmod(filepath.Join(rootfs, "open"), 0o1777))
	return rootfs
}

// withGroup has cmd, of h.as, started by somebody who is in one more group.
func withGroup(cmd *exec.Cmd, gid int) *exec.Cmd {
	if i := indexOf(cmd.Args, "--clear-groups"); i >= 0 {
		cmd.Args[i] = "--groups=" + strconv.Itoa(gid)
	}
	return cmd
}

// with is the distro for a subtest, compared at its end as well.
func (d *distro) with(t *testing.T) *distro {
	sub := *d
	sub.host = d.host.with(t)
	return &sub
}

// ids is what a command tells of itself, and who owns the file that it makes, outside.
type ids struct {
	uid, gid int
	groups   string
	home     string
	owner    user
}

// asksItself makes the file "open/made" of the rootfs.
const asksItself = `while read -r name first _; do
		case $name in Uid:|Gid:) echo "$first";; esac
	done </proc/self/status
	sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status
	echo "$HOME"
	touch /open/made`

func TestWhoTheCommandIs(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	staysTheSame(t, filepath.Join(rootfs, "etc"))
	const many, one, keep = "--userns=auto", "--userns=single", "--userns=keep-id"
	first, alice := firstSubordinate(d.alice), d.alice
	// Inside, 1 is the first of her subordinate ids; with keep-id, it is 0.
	inside := func(uid, gid int) user { return user{first + uid - 1, first + gid - 1} }
	kept := func(uid, gid int) user { return user{first + uid, first + gid} }
	const groups = 3888888888 // alice's, outside, which nobody has a number for inside
	for _, test := range []struct {
		userns string
		flags  []string
		want   ids
	}{
		{many, nil, ids{0, 0, "65534", "/root", alice}},
		{many, []string{"-u", "0"}, ids{0, 0, "", "/root", alice}},
		{many, []string{"-u", "root:50"}, ids{0, 50, "", "/root", user{alice.uid, first + 49}}},
		{many, []string{"-u", "carol"}, ids{1000, 1001, "10 50", "/home/carol", inside(1000, 1001)}},
		{many, []string{"--user=1000"}, ids{1000, 1001, "10 50", "/home/carol", inside(1000, 1001)}},
		{many, []string{"-u", "carol:staff"}, ids{1000, 50, "", "/home/carol", inside(1000, 50)}},
		{many, []string{"-u", "1000:7"}, ids{1000, 7, "", "/home/carol", inside(1000, 7)}},
		{many, []string{"-u", "dave"}, ids{2000, 2000, "50", "/", inside(2000, 2000)}},
		{many, []string{"-u", "33:34"}, ids{33, 34, "", "/", inside(33, 34)}},
		{many, []string{"-u", "33"}, ids{33, 0, "", "/", user{first + 32, alice.gid}}},
		{many, []string{"-u", "65536:65536"}, ids{65536, 65536, "", "/", inside(65536, 65536)}},
		{many, []string{"-u", "carol", "-e", "HOME=/open"}, ids{1000, 1001, "10 50", "/open", inside(1000, 1001)}},
		{many, []string{"-u", "carol", "--no-init"}, ids{1000, 1001, "10 50", "/home/carol", inside(1000, 1001)}},

		// Of one id, whoever it is is alice; the kernel lets her lose no group.
		{one, nil, ids{0, 0, "65534", "/root", alice}},
		{one, []string{"-u", "root"}, ids{0, 0, "65534", "/root", alice}},
		{one, []string{"-u", "carol"}, ids{1000, 1001, "65534", "/home/carol", alice}},
		{one, []string{"-u", "carol:wheel"}, ids{1000, 10, "65534", "/home/carol", alice}},
		{one, []string{"-u", "4000000000:5"}, ids{4000000000, 5, "65534", "/", alice}},

		{keep, nil, ids{alice.uid, alice.gid, "65534", "/", alice}},
		{keep, []string{"-u", "carol"}, ids{1000, 1001, "10 50", "/home/carol", kept(1000, 1001)}},
		{keep, []string{"-u", "0"}, ids{0, 0, "", "/root", kept(0, 0)}},
	} {
		t.Run(strings.Join(append([]string{test.userns}, test.flags...), " "), func(t *testing.T) {
			d := d.of(t)
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs, test.userns}, test.flags...)
			got := d.run(d.etc.mounted(withGroup(d.host.unc(d.alice, append(args, "sh", "-euc", asksItself)...), groups)))
			want := fmt.Sprintf("%d\n%d\n%s\n%s\n", test.want.uid, test.want.gid, test.want.groups, test.want.home)
			if got := strings.ReplaceAll(got.works(t), " \n", "\n"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			made := filepath.Join(rootfs, "open/made")
			var st unix.Stat_t
			must(t, unix.Lstat(made, &st))
			must(t, os.Remove(made))
			if got := (user{int(st.Uid), int(st.Gid)}); got != test.want.owner {
				t.Errorf("outside, the file that it makes is %v's, want %v's", got, test.want.owner)
			}
		})
	}
}

// mounted has cmd started where p is /etc.
func (p private) mounted(cmd *exec.Cmd) *exec.Cmd {
	return withMounts(cmd, `mount --bind "$1" /etc`, p.dir)
}

// Without subordinate ids keep-id is the caller alone, under his own number.
func TestOneselfWithoutSubordinateIDs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := rootfsWithUsers(t, h.alice)
	got := h.run(h.unc(h.alice, "run", "--network", "none", "--rootfs", rootfs, "--userns", "keep-id", "sh", "-euc", asksItself)).works(t)
	if want := fmt.Sprintf("%d\n%d\n\n/\n", h.alice.uid, h.alice.gid); strings.ReplaceAll(got, " \n", "\n") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if made := listing(t, filepath.Join(rootfs, "open"))["made"]; !strings.Contains(made, owner(h.alice)) {
		t.Errorf("the file is %q, want it to be alice's", made)
	}
}

// Who is not to be had is said before anything of a container is left behind.
func TestUsersThatThereAreNot(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	must(t, os.WriteFile(filepath.Join(rootfs, "etc/passwd"), []byte(containersUsers+"far:x:70000:0::/:\nwrong:x:99999999999:0::/:\n"), 0o644))
	staysTheSame(t, rootfs)
	empty := busyboxRootfs(t, d.alice)
	staysTheSame(t, empty)
	single := "hint: unc run --userns=single -u "
	for _, test := range []struct {
		name, rootfs string
		flags        []string
		says         []string
	}{
		{"no such name", rootfs, []string{"-u", "erin"}, []string{`there is no user "erin" in the container's /etc/passwd`, "hint: unc run -u 1000:1000 "}},
		{"nobody has a name", empty, []string{"-u", "carol"}, []string{`no /etc/passwd to find user "carol" in`, "hint: "}},
		{"no such group", rootfs, []string{"-u", "carol:erin"}, []string{`there is no group "erin" in the container's /etc/group`, "hint: "}},
		{"a number that is none", rootfs, []string{"-u", "wrong"}, []string{`there is no user "wrong"`}},
		{"too large a number", rootfs, []string{"-u", "4294967295"}, []string{"4294967295"}},
		{"no user", rootfs, []string{"-u", ":5"}, []string{`-u ":5": there is no user before the colon`}},
		{"no group", rootfs, []string{"-u", "5:"}, []string{`the user "5:" is neither`}},
		{"an id that is not among them", rootfs, []string{"-u", "65537"}, []string{`-u "65537": user id 65537 is none of those that /etc/subuid`, single + "65537 "}},
		{"a group that is not", rootfs, []string{"-u", "0:65537"}, []string{"group id 65537 is none of those that /etc/subgid", single + "0:65537 "}},
		{"a name's", rootfs, []string{"-u", "far"}, []string{`-u "far": user id 70000 is none`, single + "far "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := d.with(t)
			got := d.run(d.unc(append(append([]string{"run", "--rootfs", test.rootfs}, test.flags...), "echo", "started")...))
			got.fails(t, test.says...)
			if got.stdout != "" {
				t.Errorf("stdout is %q, want nothing", got.stdout)
			}
		})
	}
	t.Run("another than oneself, where there is none", func(t *testing.T) {
		h := d.host.with(t)
		// Without the private /etc: this machine gives alice no ids.
		got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--userns", "keep-id", "-u", "carol", "true"))
		got.fails(t, `-u "carol": with --userns=keep-id there is no user id 1000, but yours alone`, single+"carol ")
	})
}
