package nsexec

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A container is born in its control group, and then makes the namespace for it
// itself: one that the clone made would begin at the parent's group.
func TestCloneArgs(t *testing.T) {
	group, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	for _, test := range []struct {
		name string
		spec Spec
		want cloneArgs
	}{
		{
			"the caller's group",
			Spec{},
			cloneArgs{flags: namespaces | unix.CLONE_NEWNET | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD)},
		},
		{
			"the host's network",
			Spec{Network: HostNetwork},
			cloneArgs{flags: namespaces | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD)},
		},
		{
			"another's network",
			Spec{Network: JoinedNetwork, Join: joined(callerIs(0, 0))},
			cloneArgs{flags: namespaces&^unix.CLONE_NEWUSER | unix.CLONE_PIDFD | unix.CLONE_PARENT},
		},
		{
			"another's network, and a group of its own",
			Spec{Network: JoinedNetwork, Join: joined(callerIs(0, 0)), Cgroup: group},
			cloneArgs{
				flags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
					unix.CLONE_PIDFD | unix.CLONE_PARENT | unix.CLONE_INTO_CGROUP,
				cgroup: uint64(group.Fd()),
			},
		},
		{
			"a group of its own",
			Spec{Cgroup: group},
			cloneArgs{
				flags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
					unix.CLONE_NEWNET | unix.CLONE_PIDFD | unix.CLONE_INTO_CGROUP,
				exitSignal: uint64(unix.SIGCHLD), cgroup: uint64(group.Fd()),
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.spec.cloneArgs(), cmp.AllowUnexported(cloneArgs{})); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

// Whichever makes it, every container has a namespace of control groups, and has it
// before a filesystem shows what is in it.
func TestControlGroupNamespace(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		made := w.find(unix.SYS_UNSHARE)
		groups := -1
		for i, s := range w.steps {
			if s.nr == unix.SYS_FSOPEN && w.text(s.args[0]) == "cgroup2" {
				groups = i
			}
		}
		if w.spec.Cgroup == nil {
			if len(made) > 0 || groups >= 0 || w.spec.cloneArgs().flags&unix.CLONE_NEWCGROUP == 0 {
				t.Errorf("got namespaces made in steps %v, and a cgroup2 in %d, want neither, and one made by the clone", made, groups)
			}
			return
		}
		if len(made) != 1 || made[0] > groups || w.steps[made[0]].args[0] != unix.CLONE_NEWCGROUP || w.steps[made[0]].pardon[0] != 0 {
			t.Errorf("got namespaces made in steps %v, and a cgroup2 in %d, want the one before the other", made, groups)
		}
	})
}
