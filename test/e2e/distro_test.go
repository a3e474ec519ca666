package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// subordinateIDs is how many a user of a distro has: what useradd(8) gives.
const subordinateIDs = 65536

// firstSubordinate is the first of the ids that a user has besides his own. No two users
// of the tests (newUser) have the same, and the last is below 1<<32.
func firstSubordinate(u user) int { return (u.uid - 60000) * subordinateIDs }

// distro is a host on a LAN on which alice has subordinate ids.
type distro struct {
	*host
	lan *host
	etc private
}

func newDistro(t *testing.T) *distro {
	t.Helper()
	needProgram(t, "newuidmap", "uidmap")
	h, lan := newNeighbours(t)
	d := &distro{h, lan, newPrivate(t, h)}
	for _, name := range []string{"subuid", "subgid"} {
		d.etc.write(t, name, fmt.Sprintf("alice:%d:%d\n", firstSubordinate(h.alice), subordinateIDs))
	}
	// Whom the host is compared by does not tell of processes of these ids.
	t.Cleanup(func() {
		eventually(t, "no process of a subordinate id", func() bool { return len(d.subordinates()) == 0 })
	})
	return d
}

// of is the distro for a subtest.
func (d *distro) of(t *testing.T) *distro {
	sub := *d
	sub.host = d.host.of(t)
	return &sub
}

// unc prepares unc of alice's, who has subordinate ids.
func (d *distro) unc(args ...string) *exec.Cmd {
	d.t.Helper()
	return d.etc.unc(d.host, d.alice, args...)
}

// debian unpacks a Debian system as docs/rootfs.md says, without some of its files.
func (d *distro) debian(without ...string) (rootfs string) {
	d.t.Helper()
	archive := openDebian(d.t)
	rootfs = filepath.Join(newDir(d.t, d.alice), "debian")
	args := []string{"unshare", "sh", "-euc", `mkdir "$1" && cd "$1" && shift && tar --extract "$@"`, "sh", rootfs}
	tar := d.unc(append(args, excluding(without)...)...)
	tar.Stdin = archive
	d.run(tar).works(d.t)
	return rootfs
}

// subordinates lists the processes of alice's subordinate ids.
func (d *distro) subordinates() (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(path))
		status := statusOf(pid)
		for uid := range strings.FieldsSeq(status["Uid"]) {
			n, _ := strconv.Atoi(uid)
			if first := firstSubordinate(d.alice); n >= first && n < first+subordinateIDs && !strings.HasPrefix(status["State"], "Z") {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// packages makes what docs/rootfs.md installs: hello.deb has a program, daemon.deb a user
// of its own and a directory that belongs to him, owners.tar a file of somebody's.
func packages(t *testing.T) (dir string) {
	t.Helper()
	needProgram(t, "dpkg-deb", "dpkg")
	dir = newDir(t, user{})
	for name, pkg := range map[string]struct{ depends, program, postinst string }{
		"hello": {"libc6", "#!/bin/sh\necho hello from a package\n", ""},
		"daemon": {"adduser", "#!/bin/sh\nexec id -un\n", `#!/bin/sh
			set -e
			adduser --quiet --system --group --no-create-home --home /var/lib/unc-daemon unc-daemon
			install -d -o unc-daemon -g unc-daemon -m 750 /var/lib/unc-daemon
			`},
	} {
		tree := newDir(t, user{})
		for _, sub := range []string{"DEBIAN", "usr", "usr/bin"} {
			must(t, mkdir(filepath.Join(tree, sub)))
		}
		control := fmt.Sprintf("Package: unc-%s\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDepends: %s\n"+
			"Description: what a test installs\n", name, pkg.depends)
		must(t, os.WriteFile(filepath.Join(tree, "DEBIAN/control"), []byte(control), 0o644))
		must(t, os.WriteFile(filepath.Join(tree, "usr/bin/unc-"+name), []byte(pkg.program), 0o755))
		if pkg.postinst != "" {
			must(t, os.WriteFile(filepath.Join(tree, "DEBIAN/postinst"), []byte(pkg.postinst), 0o755))
		}
		out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", tree, filepath.Join(dir, name+".deb")).CombinedOutput()
		if err != nil {
			t.Fatalf("building a package: %v\n%s", err, out)
		}
	}
	out, err := exec.Command("tar", "--create", "--numeric-owner", "--owner=33", "--group=33", "--file", filepath.Join(dir, "owners.tar"),
		"--directory", dir, "hello.deb").CombinedOutput()
	if err != nil {
		t.Fatalf("making an archive: %v\n%s", err, out)
	}
	return dir
}
