package nsexec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The joiner can't outlive the supervisor, nor be looked into by the time that it is
// in the other container; it enters what it was given, and then makes what Start asks for.
func TestJoiner(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var got []string
		for _, s := range w.steps[:w.joined] {
			got = append(got, fmt.Sprint(s.nr, " ", s.args[:2], s.pardon[0] != 0, s.slots))
		}
		if w.spec.Join == nil {
			if len(got) > 0 {
				t.Errorf("got a joiner that does %v, want none", got)
			}
			return
		}
		calls := []string{
			fmt.Sprint(unix.SYS_PRCTL, " ", []uintptr{unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL)}, false, 0),
			fmt.Sprint(unix.SYS_PRCTL, " ", []uintptr{unix.PR_SET_DUMPABLE, 0}, false, 0),
			fmt.Sprint(unix.SYS_SETNS, " ", []uintptr{w.spec.Join.userns.Fd(), unix.CLONE_NEWUSER}, false, 0),
			fmt.Sprint(unix.SYS_SETNS, " ", []uintptr{w.spec.Join.netns.Fd(), unix.CLONE_NEWNET}, false, 0),
		}
		if diff := cmp.Diff(calls, got[:len(got)-1]); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		last := w.steps[w.joined-1]
		if last.nr != unix.SYS_CLONE3 || last.args[1] != 88 { // CLONE_ARGS_SIZE_VER2 of linux/sched.h
			t.Errorf("got last step %+v, want the clone of pid 1", last)
		}
		args := *kept[cloneArgs](t, w.program, last.args[0])
		args.pidfd = 0
		if diff := cmp.Diff(w.spec.cloneArgs(), args, cmp.AllowUnexported(cloneArgs{})); diff != "" {
			t.Errorf("pid 1 is made (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(cloneArgs{exitSignal: uint64(unix.SIGCHLD)}, w.args, cmp.AllowUnexported(cloneArgs{})); diff != "" {
			t.Errorf("the joiner is made (-want +got):\n%s", diff)
		}
	})
}

func TestExplainJoiner(t *testing.T) {
	w := programs()["another's network, socket 3"]
	c := &Child{prog: w.program, spec: w.spec}
	for _, test := range []struct {
		name string
		told report
		want string
	}{
		{"the user namespace", report{2, int32(unix.EPERM)}, "entering the other container's user namespace: operation not permitted"},
		{"the network", report{3, int32(unix.EINVAL)}, "entering the other container's network: invalid argument"},
		{"the clone", report{4, int32(unix.EAGAIN)}, "no more processes: a limit on this user's processes or on this control group's is reached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := errText(c.explain(test.told)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
