package nsexec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

func TestExplain(t *testing.T) {
	w := programs()["rootfs, socket 3"]
	c := &Child{prog: w.program, spec: &Spec{Rootfs: "/srv/box", Args: []string{"sh"}}}
	pivot := w.one(t, unix.SYS_PIVOT_ROOT)
	for _, test := range []struct {
		name  string
		told  report
		want  string
		errno error
	}{
		{"a step", report{int32(pivot), int32(unix.EBUSY)}, "changing the root: device or resource busy", unix.EBUSY},
		{"an old kernel", report{int32(pivot), int32(unix.ENOSYS)}, "changing the root: function not implemented: unc needs Linux 5.12 or newer", unix.ENOSYS},
		{"a quota of keys", report{int32(w.one(t, unix.SYS_KEYCTL)), int32(unix.EDQUOT)}, "making a session keyring: disk quota exceeded: your keyrings and keys are as many as may be, and without a filter the container would be left with the caller's", unix.EDQUOT},
		{"another quota", report{int32(pivot), int32(unix.EDQUOT)}, "changing the root: disk quota exceeded", unix.EDQUOT},
		{"a link", report{int32(w.find(unix.SYS_OPENAT2)[0]), int32(unix.ELOOP)}, "opening /dev in the rootfs: too many levels of symbolic links: symbolic links lead in a circle there, or are not followed", unix.ELOOP},
		{"a rootfs that can't be written", report{int32(w.find(unix.SYS_OPENAT2)[0]), int32(unix.EROFS)}, "opening /dev in the rootfs: read-only file system", unix.EROFS},
		{"the command", report{int32(len(w.steps) - 1), int32(unix.EACCES)}, `command not executable: "sh" in the rootfs "/srv/box" may not be executed: permission denied`, ErrNotExecutable},
		{"the command's process", report{reportFork, int32(unix.EAGAIN)}, "starting the command's process: resource temporarily unavailable: a limit on processes leaves no room for it beside the container's process 1", unix.EAGAIN},
		{"a step that there is not", report{int32(len(w.steps)), 1}, fmt.Sprintf("the container's first process reported step %d", len(w.steps)), nil},
		{"a negative step", report{-2, 1}, "the container's first process reported step -2", nil},
		{"a file on a directory", report{int32(w.last(t, unix.SYS_MOVE_MOUNT)), int32(unix.EINVAL)}, "mounting /etc/hostname: invalid argument: a directory is mounted on a directory, and a file on a file", unix.EINVAL},
		{"somebody else's directory", report{int32(pivot), int32(unix.EOVERFLOW)}, "changing the root: value too large for defined data type: it would be beside files whose owner has no id in the container", unix.EOVERFLOW},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := c.explain(test.told)
			if errText(err) != test.want {
				t.Errorf("got %q, want %q", errText(err), test.want)
			}
			if test.errno != nil && !errors.Is(err, test.errno) {
				t.Errorf("got %v, want an error that wraps %v", err, test.errno)
			}
		})
	}
}

func TestExplainOverlay(t *testing.T) {
	w := programs()["ephemeral, socket 3"]
	c := &Child{prog: w.program, spec: w.spec}
	want := "laying a copy of the rootfs: invalid argument: there is something mounted in it, or its filesystem can't be laid under another"
	if err := c.explain(report{int32(w.find(unix.SYS_MOUNT)[1]), int32(unix.EINVAL)}); errText(err) != want {
		t.Errorf("got %q, want %q", errText(err), want)
	}
}

// AppArmor is the reason for the first refusal, if for any: where that step was let through,
// the others are as well.
func TestExplainNamespace(t *testing.T) {
	isExplained := func(s step) bool {
		return reflect.ValueOf(s.explain).Pointer() == reflect.ValueOf(explainNamespace).Pointer()
	}
	eachProgram(t, func(t *testing.T, w written) {
		want := uintptr(unix.SYS_SETHOSTNAME)
		if w.spec.Network == OwnNetwork || w.spec.Network == NoNetwork {
			want = unix.SYS_IOCTL // loopback
		}
		var got []uintptr
		for _, s := range w.steps {
			if isExplained(s) {
				got = append(got, s.nr)
			}
		}
		if !slices.Equal(got, []uintptr{want}) {
			t.Errorf("got steps with system calls %v explained by it, want one of %d", got, want)
		}
	})
	t.Run("Unshare", func(t *testing.T) {
		p := &program{hand: new(handover)}
		p.mapIdentity(callerIs(0, 0), 3)
		for i, s := range p.steps {
			if got := isExplained(s); got != (i == 0) {
				t.Errorf("step %d, %q: got %v", i, s.doing, got)
			}
		}
	})
}

// What can't be made in the rootfs can be made beforehand, by who may.
func TestExplainHints(t *testing.T) {
	w := programs()["mounts, socket 3"]
	c := &Child{prog: w.program, spec: w.spec}
	mkdir := []string{"cd /srv/box && mkdir -p proc sys dev etc    # beforehand, as somebody who may"}
	ours, callers := -1, -1
	for i, s := range w.steps {
		switch s.doing {
		case "creating /proc in the rootfs":
			ours = i
		case `creating "/data/in/it"`:
			callers = i
		}
	}
	for _, test := range []struct {
		name  string
		step  int
		errno unix.Errno
		want  []string
	}{
		{"ours, read-only", ours, unix.EROFS, mkdir},
		{"ours, not permitted", ours, unix.EACCES, mkdir},
		{"ours, without an owner", ours, unix.EOVERFLOW, mkdir},
		{"ours, no room", ours, unix.ENOSPC, nil},
		{"the caller's, read-only", callers, unix.EROFS, []string{"unc run --ephemeral ...    # or make /data/in/it in the rootfs beforehand"}},
		{"the caller's, no room", callers, unix.ENOSPC, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := c.explain(report{int32(test.step), int32(test.errno)})
			if !slices.Equal(hint.Of(err), test.want) || !errors.Is(err, test.errno) {
				t.Errorf("got error %v with hints %q, want %q", err, hint.Of(err), test.want)
			}
			if said := strings.HasSuffix(errText(err), "no id in the container"); said != (test.errno == unix.EOVERFLOW) {
				t.Errorf("got error %q, want a sentence about owners only for %v", errText(err), unix.EOVERFLOW)
			}
		})
	}
}

// EACCES is also what a directory of PATH answers that may not be searched.
func TestExplainBareExec(t *testing.T) {
	dir := tree(t, "data")
	for _, test := range []struct {
		name  string
		tried []string
		errno unix.Errno
		kind  error
	}{
		{"nowhere", []string{dir + "/x"}, unix.ENOENT, ErrNotFound},
		{"no right to look", []string{dir + "/x", dir + "/y"}, unix.EACCES, ErrNotFound},
		{"no right to execute", []string{dir + "/x", dir + "/data"}, unix.EACCES, ErrNotExecutable},
		{"no program", []string{dir + "/data"}, unix.ENOEXEC, ErrNotExecutable},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &Child{spec: &Spec{Args: []string{"data"}}, tried: test.tried}
			if err := c.explainBareExec(test.errno); !errors.Is(err, test.kind) {
				t.Errorf("got %v, want %v", err, test.kind)
			}
		})
	}
}
