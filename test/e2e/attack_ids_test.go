package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A pipe that the command gets is the caller's before and after, whoever the command
// runs as: his other programs open /dev/stdout anew as well.
func TestPipesStayTheCallers(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	for _, flags := range [][]string{
		{"-u", "carol"},
		{"-u", "carol", "--no-init"},
		{"--userns=keep-id", "-u", "0"},
		{"--userns=single", "-u", "carol"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			d := d.with(t)
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs}, flags...)
			args = append(args, "sh", "-c", "echo inside >/dev/stdout")
			script := `{ echo before >/dev/stdout; "$@"; echo after >/dev/stdout; stat -L -c %u /proc/self/fd/0 <&1; } | cat`
			got := d.run(d.etc.mounted(d.as(d.alice, append([]string{"sh", "-c", script, "sh", unc}, args...)...))).works(t)
			if want := fmt.Sprintf("before\ninside\nafter\n%d\n", d.alice.uid); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What the caller may open by a group of his, his container may, whatever ids it has.
func TestGroupsOfTheCaller(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	const group = 3777777777
	dir := newDir(t, user{0, group})
	must(t, unix.Chmod(dir, 0o750))
	zero := filepath.Join(dir, "zero")
	makeZero(t, zero, 0o640, group)
	for _, userns := range []string{"auto", "single", "keep-id"} {
		t.Run(userns, func(t *testing.T) {
			d := d.of(t)
			cmd := d.host.unc(d.alice, "run", "--network", "none", "--rootfs", rootfs, "--userns", userns,
				"--device", zero+":/dev/zeros", "-v", dir+":/data:ro", "sh", "-c", "head -c 1 /dev/zeros | od -An -tx1; ls /data")
			if got := d.run(d.etc.mounted(withGroup(cmd, group))).works(t); got != aZero+"zero\n" {
				t.Errorf("got %q, want a zero, and the name of the device", got)
			}
		})
	}
	// Whom nobody has asked to be keeps them; another user does not.
	cmd := d.host.unc(d.alice, "run", "--network", "none", "--rootfs", rootfs, "-u", "carol", "-v", dir+":/data:ro", "ls", "/data")
	if got := d.run(d.etc.mounted(withGroup(cmd, group))); got.code == 0 {
		t.Errorf("another user lists what alice's group may: %+v", got)
	}
}
