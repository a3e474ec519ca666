package nsexec

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

const (
	appArmorSetting = "kernel.apparmor_restrict_unprivileged_userns"
	debianSetting   = "kernel.unprivileged_userns_clone"

	appArmorLabel = "/proc/self/attr/current" // no setting, but read beside them
)

func TestExplainClone(t *testing.T) {
	type settings map[string]string
	for _, test := range []struct {
		name  string
		errno unix.Errno
		settings
		want, hint string // how they begin
	}{
		{
			"Debian's setting", unix.EPERM,
			settings{debianSetting: "0"},
			"this system lets only root make user namespaces: kernel.unprivileged_userns_clone is 0",
			"sudo sysctl -w kernel.unprivileged_userns_clone=1",
		},
		{
			"Debian's setting is on, and it is not that", unix.EPERM,
			settings{debianSetting: "1"},
			"making a user namespace is not permitted here", "unshare -Ur true",
		},
		{
			"AppArmor", unix.EPERM,
			settings{appArmorSetting: "1"},
			"AppArmor keeps programs without a profile from using user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1",
			"printf 'abi <abi/4.0>,",
		},
		{
			"AppArmor, the other errno", unix.EACCES,
			settings{appArmorSetting: "1"},
			"AppArmor keeps programs without a profile", "printf 'abi <abi/4.0>,",
		},
		{
			"AppArmor restricts others", unix.EPERM,
			settings{appArmorSetting: "1", appArmorLabel: "unc (unconfined)"},
			"making a user namespace is not permitted here", "unshare -Ur true",
		},
		{
			"AppArmor does not restrict", unix.EPERM,
			settings{appArmorSetting: "0"},
			"making a user namespace is not permitted here", "unshare -Ur true",
		},
		{
			"a chroot", unix.EPERM, nil,
			"making a user namespace is not permitted here: this process is in a chroot, a container, or under a security policy that forbids it",
			"unshare -Ur true",
		},
		{
			"no user namespaces", unix.ENOSPC,
			settings{"user.max_user_namespaces": "0", "user.max_net_namespaces": "100"},
			"user namespaces are turned off on this system: user.max_user_namespaces is 0",
			"sudo sysctl -w user.max_user_namespaces=16384",
		},
		{
			"no network namespaces", unix.ENOSPC,
			settings{"user.max_user_namespaces": "100", "user.max_net_namespaces": "0"},
			"net namespaces are turned off on this system: user.max_net_namespaces is 0",
			"sudo sysctl -w user.max_net_namespaces=16384",
		},
		{"no mount namespaces", unix.ENOSPC, settings{"user.max_mnt_namespaces": "0"}, "mnt namespaces are turned off", "sudo sysctl -w user.max_mnt_"},
		{"no pid namespaces", unix.ENOSPC, settings{"user.max_pid_namespaces": "0"}, "pid namespaces are turned off", "sudo sysctl -w user.max_pid_"},
		{"no uts namespaces", unix.ENOSPC, settings{"user.max_uts_namespaces": "0"}, "uts namespaces are turned off", "sudo sysctl -w user.max_uts_"},
		{"no ipc namespaces", unix.ENOSPC, settings{"user.max_ipc_namespaces": "0"}, "ipc namespaces are turned off", "sudo sysctl -w user.max_ipc_"},
		{"no cgroup namespaces", unix.ENOSPC, settings{"user.max_cgroup_namespaces": "0"}, "cgroup namespaces are turned off", "sudo sysctl -w user.max_cgroup_"},
		{"none left", unix.ENOSPC, settings{"user.max_net_namespaces": "100"}, "no more namespaces: ", "sysctl -a --pattern"},
		{"nested too deep", unix.EUSERS, nil, "no more namespaces: ", "sysctl -a --pattern"},
		{"none left, and no settings", unix.ENOSPC, nil, "no more namespaces: ", "sysctl -a --pattern"},
		{"too many processes", unix.EAGAIN, nil, "no more processes: ", "ulimit -u"},
		{"an old kernel", unix.ENOSYS, nil, "this kernel has no clone3: unc needs Linux 5.12 or newer", ""},
		{"a small kernel", unix.EINVAL, nil, "this kernel was built without one of the user, mount, pid, net, uts, ipc and cgroup namespaces", ""},
		{"anything else", unix.ENOMEM, nil, "making namespaces: cannot allocate memory", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := explainCloneWith(test.errno, func(name string) string { return test.settings[name] }, cmp.Or(test.settings[appArmorLabel], "unconfined"))
			if !strings.HasPrefix(errText(err), test.want) {
				t.Errorf("got %q, want %q", errText(err), test.want)
			}
			got := strings.Join(hint.Of(err), "\n")
			if !strings.HasPrefix(got, test.hint) || (got == "") != (test.hint == "") {
				t.Errorf("got hint %q, want %q", got, test.hint)
			}
		})
	}
}

// The hint is one line, to be pasted: printf makes the line ends.
func TestAppArmorProfile(t *testing.T) {
	err := explainCloneWith(unix.EPERM, func(name string) string {
		return map[string]string{appArmorSetting: "1"}[name]
	}, "unconfined")
	hints := hint.Of(err)
	if len(hints) != 1 || strings.Contains(hints[0], "\n") {
		t.Fatalf("got hints %q, want one line", hints)
	}
	for _, part := range []string{`flags=(unconfined) {\n  userns,\n}\n'`, "sudo tee /etc/apparmor.d/unc", "apparmor_parser -r"} {
		if !strings.Contains(hints[0], part) {
			t.Errorf("got hint %q, want %q in it", hints[0], part)
		}
	}
}

func TestExplainExec(t *testing.T) {
	root := tree(t, "+bin/script", "bin/data")
	rootfs := fmt.Sprintf("the rootfs %q", root)
	for _, test := range []struct {
		name   string
		spec   Spec
		errno  unix.Errno
		kind   error
		want   string
		hinted bool
	}{
		{
			"not there",
			Spec{Rootfs: root, Args: []string{"sh"}},
			unix.ENOENT, ErrNotFound,
			`command not found: "sh" is not in ` + rootfs, true,
		},
		{
			"a path that is not there",
			Spec{Rootfs: root, Args: []string{"/opt/sh"}},
			unix.ENOENT, ErrNotFound,
			`command not found: "/opt/sh" is not in ` + rootfs, true,
		},
		{
			"its interpreter is not there",
			Spec{Rootfs: root, Args: []string{"script"}},
			unix.ENOENT, ErrNotFound,
			`command not found: "/bin/script" is in ` + rootfs + `, but the interpreter or loader that it names is not`, true,
		},
		{
			"the rootfs has gone",
			Spec{Rootfs: root + "/gone", Args: []string{"sh"}},
			unix.ENOENT, ErrNotFound,
			fmt.Sprintf(`command not found: "sh" is not in the rootfs %q`, root+"/gone"), true,
		},
		{
			"not in the throw-away system",
			Spec{Args: []string{"no-such-command"}},
			unix.ENOENT, ErrNotFound,
			`command not found: "no-such-command" is not in the throw-away copy of this system`, true,
		},
		{
			"not executable",
			Spec{Rootfs: root, Args: []string{"data"}},
			unix.EACCES, ErrNotExecutable,
			`command not executable: "data" in ` + rootfs + ` may not be executed: permission denied`, false,
		},
		{
			"no program",
			Spec{Rootfs: root, Args: []string{"data"}},
			unix.ENOEXEC, ErrNotExecutable,
			`command not executable: "data" in ` + rootfs + ` is neither a program for this machine nor a script with a #! line`, false,
		},
		{
			"anything else",
			Spec{Rootfs: root, Args: []string{"data"}},
			unix.E2BIG, ErrNotExecutable,
			`command not executable: running "data" in ` + rootfs + `: argument list too long`, false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.spec.explainExec(test.errno)
			if errText(err) != test.want || !errors.Is(err, test.kind) {
				t.Errorf("got %q, want %q, of kind %v", errText(err), test.want, test.kind)
			}
			if hinted := len(hint.Of(err)) > 0; hinted != test.hinted {
				t.Errorf("got hints %q, want some: %v", hint.Of(err), test.hinted)
			}
		})
	}
}
