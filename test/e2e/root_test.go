package e2e

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// withAccounts has cmd started where these lines, and no other user unc, are in /etc/passwd.
func withAccounts(t *testing.T, cmd *exec.Cmd, lines ...string) *exec.Cmd {
	t.Helper()
	script := `sed -i '/^unc:/d' /etc/passwd /etc/group
		echo nameserver 192.0.2.53 >/etc/resolv.conf
		`
	for _, line := range lines {
		script += fmt.Sprintf("echo '%s' >>/etc/passwd\n", line)
	}
	return withEtc(t, cmd, script)
}

// showSelf tells who the command is, inside and on the host.
const showSelf = "cat /proc/self/uid_map /proc/self/gid_map; id -u; grep -E '^(Uid|Gid|Groups|CapPrm)' /proc/self/status"

func identityOf(u user) string {
	return fmt.Sprintf("%10d %10d %10d\n%10d %10d %10d\n0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \nCapPrm:\t%s\n",
		0, u.uid, 1, 0, u.gid, 1, insideCaps())
}

func TestRootBecomesSomebodyElse(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	account := fmt.Sprintf("unc:x:%d:%d::/nonexistent:/usr/sbin/nologin", h.bob.uid, h.bob.gid)
	named := fmt.Sprintf("alice:x:%d:%d::/home/alice:/bin/sh", h.alice.uid, h.alice.gid)
	sudo := []string{"SUDO_UID=" + strconv.Itoa(h.alice.uid), "SUDO_GID=" + strconv.Itoa(h.alice.gid), "SUDO_USER=alice"}
	for _, test := range []struct {
		name     string
		accounts []string
		env      []string
		want     user
		says     string
	}{
		{"who called sudo", []string{account, named}, sudo, h.alice, `"alice"`},
		{"who called sudo and has no name", nil, sudo, h.alice, strconv.Itoa(h.alice.uid)},
		{"the system user", []string{account}, nil, h.bob, `"unc"`},
		{"the system user when root called sudo", []string{account}, []string{"SUDO_UID=0", "SUDO_GID=0"}, h.bob, `"unc"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.command(unc, "run", "--rootfs", rootfs, "sh", "-c", showSelf)
			cmd.Env = append(cmd.Env, test.env...)
			got := h.run(withAccounts(t, cmd, test.accounts...))
			if out := got.works(t); out != identityOf(test.want) {
				t.Errorf("got %q, want %q", out, identityOf(test.want))
			}
			if strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.says) {
				t.Errorf("stderr is %q, want one line with %s", got.stderr, test.says)
			}
		})
	}
}

// The lease is on the account of whom root has become, and so is every process.
func TestNothingOfRootsContainerIsRoots(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cmd := h.command(unc, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh")
	cmd.Env = append(cmd.Env, "SUDO_UID="+strconv.Itoa(h.alice.uid), "SUDO_GID="+strconv.Itoa(h.alice.gid))
	s := h.open(cmd)
	all := strings.Join([]string{strconv.Itoa(h.alice.uid), strconv.Itoa(h.alice.uid), strconv.Itoa(h.alice.uid), strconv.Itoa(h.alice.uid)}, "\t")
	for name, pid := range map[string]int{"the supervisor": s.pid(), "process 1": s.init(), "the command": s.command()} {
		status := statusOf(pid)
		if status["Uid"] != all || status["Groups"] != "" {
			t.Errorf("%s has uids %q and groups %q, want %q and none", name, status["Uid"], status["Groups"], all)
		}
	}
	for _, set := range capabilitySets {
		if status := statusOf(s.pid()); set != "CapBnd" && status[set] != noCaps {
			t.Errorf("the supervisor's %s is %s, want none", set, status[set])
		}
	}
	if got := h.root("ip -o link show group " + strconv.Itoa(h.alice.uid)); !strings.Contains(got, "uv0a642a") {
		t.Errorf("the links of alice's group are %q, want her lease", got)
	}
	s.end()
}

func TestRootWithNobodyToBecome(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range []struct {
		name     string
		accounts []string
		env      []string
		says     []string
	}{
		{"no system user", nil, nil, []string{`system user "unc"`, "hint: ./install.sh"}},
		{"no system user, and sudo by root", nil, []string{"SUDO_UID=0", "SUDO_GID=0"}, []string{`system user "unc"`}},
		{"a system user who is root", []string{"unc:x:0:0::/:/bin/sh"}, nil, []string{`"unc"`}},
		{"a system user in root's group", []string{fmt.Sprintf("unc:x:%d:0::/:/bin/sh", h.alice.uid)}, nil, []string{`"unc"`}},
		{"no number", nil, []string{"SUDO_UID=root", "SUDO_GID=root"}, []string{"SUDO_UID"}},
		{"nobody who changed", nil, []string{"SUDO_UID=4294967295", "SUDO_GID=4294967295"}, []string{"SUDO_UID"}},
		{"root's group", nil, []string{"SUDO_UID=" + strconv.Itoa(h.alice.uid), "SUDO_GID=0"}, []string{"SUDO_GID"}},
		{"no group", nil, []string{"SUDO_UID=" + strconv.Itoa(h.alice.uid)}, []string{"SUDO_GID"}},
		{"negative", nil, []string{"SUDO_UID=-1", "SUDO_GID=-1"}, []string{"SUDO_UID"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.command(unc, "run", "true")
			cmd.Env = append(cmd.Env, test.env...)
			h.run(withAccounts(t, cmd, test.accounts...)).fails(t, test.says...)
		})
	}
}
