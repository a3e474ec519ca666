package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestADistribution is what docs/rootfs.md promises of a user with subordinate ids:
// that a Debian system works as on a machine of its own, and can be removed again.
func TestADistribution(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs, debs := d.debian(databaseServer...), packages(t)
	run := func(script string) string {
		d.t.Helper()
		return d.run(d.unc("run", "--rootfs", rootfs, "-v", debs+":/debs:ro", "-e", "DEBIAN_FRONTEND=noninteractive", "sh", "-euc", script)).works(d.t)
	}
	first := firstSubordinate(d.alice)

	t.Run("apt-get install of a local package", func(t *testing.T) {
		d := d.of(t)
		got := d.run(d.unc("run", "--rootfs", rootfs, "-v", debs+":/debs:ro", "sh", "-c", "apt-get install -y /debs/hello.deb")).works(t)
		if !strings.Contains(got, "Setting up unc-hello (1.0)") {
			t.Errorf("apt-get printed %q", got)
		}
		if got := run("unc-hello; dpkg -s unc-hello | grep ^Status"); got != "hello from a package\nStatus: install ok installed\n" {
			t.Errorf("in the next container it is %q", got)
		}
	})
	t.Run("dpkg -i of a package with a user of its own", func(t *testing.T) {
		run("dpkg -i /debs/daemon.deb")
		got := run("stat -c '%U:%G %a' /var/lib/unc-daemon; su -s /bin/sh -c 'unc-daemon; touch /var/lib/unc-daemon/file' unc-daemon; id -u unc-daemon")
		var uid int
		if _, err := fmt.Sscanf(got, "unc-daemon:unc-daemon 750\nunc-daemon\n%d\n", &uid); err != nil || uid < 100 || uid > 999 {
			t.Fatalf("got %q, want a system user with a directory of his", got)
		}
		// On the host it is one of the ids that are alice's.
		owner := user{first + uid - 1, 0}
		if got := listing(t, filepath.Join(rootfs, "var/lib/unc-daemon"))["file"]; !strings.Contains(got, fmt.Sprintf(" %d:", owner.uid)) {
			t.Errorf("the file is %q on the host, want one of uid %d", got, owner.uid)
		}
	})
	t.Run("su", func(t *testing.T) {
		got := run(`useradd --create-home --shell /bin/bash carol
			su - carol -c 'id -un; pwd; echo text >file; [ ! -w /etc/passwd ] && ! cat /etc/shadow 2>/dev/null'
			stat -c %U:%G /home/carol/file
			su nobody -s /bin/sh -c 'cat /home/carol/file || id -u'`)
		if want := "carol\n/home/carol\ncarol:carol\ntext\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		// Nobody gains anything by a setuid program: su asks, and has no right to change users.
		if got := d.of(t).run(d.unc("run", "--rootfs", rootfs, "-u", "carol", "su", "root", "-c", "id -u")); got.code == 0 {
			t.Errorf("su made a user root: %+v", got)
		}
	})
	t.Run("-u", func(t *testing.T) {
		got := d.of(t).run(d.unc("run", "--rootfs", rootfs, "-u", "postgres", "sh", "-c", "id; pwd; echo $HOME")).works(t)
		if !regexp.MustCompile(`^uid=\d+\(postgres\) gid=\d+\(postgres\) groups=.*ssl-cert.*\n/\n/var/lib/postgresql\n$`).MatchString(got) {
			t.Errorf("got %q, want postgres with his groups", got)
		}
	})
	t.Run("removing it", func(t *testing.T) {
		d := d.of(t)
		if got := d.run(d.as(d.alice, "rm", "-rf", rootfs)); got.code == 0 {
			t.Errorf("rm alone: %+v, want a refusal to remove others' files", got)
		}
		d.run(d.unc("unshare", "rm", "-rf", rootfs)).works(t)
		if _, err := os.Lstat(rootfs); err == nil {
			t.Error("it is still there")
		}
	})
}
