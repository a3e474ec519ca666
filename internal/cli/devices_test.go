package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/nsexec"
	"unc/internal/tier"
)

var goodDevices = []struct{ name, text, source, target, access string }{
	{"a device", "/dev/fuse", "/dev/fuse", "/dev/fuse", ""},
	{"under another name", "/dev/sr0:/dev/cdrom", "/dev/sr0", "/dev/cdrom", ""},
	{"with permissions", "/dev/fuse:rw", "/dev/fuse", "/dev/fuse", "rw"},
	{"all given", "/dev/sr0:/dev/cdrom:r", "/dev/sr0", "/dev/cdrom", "r"},
	{"in Docker's order", "/dev/fuse:/dev/fuse:rwm", "/dev/fuse", "/dev/fuse", "rwm"},
	{"in any order", "/dev/fuse:mwr", "/dev/fuse", "/dev/fuse", "mwr"},
	{"a directory", "/dev/dri/", "/dev/dri/", "/dev/dri/", ""},
}

var badDevices = []struct{ name, text, want string }{
	{"nothing", "", "no device is named"},
	{"no source", ":/dev/fuse", "no device is named"},
	{"a name", "fuse", `"fuse" is not an absolute path`},
	{"another's notation", "nvidia.com/gpu=all", `"nvidia.com/gpu=all" is not an absolute path`},
	{"other letters", "/dev/a:/dev/b:rx", `it is not a device, a path inside and some of the letters rwm, with colons between them
unc run --device "$(readlink -f /dev/a:/dev/b:rx)" ...    # if the name itself has colons`},
	{"a name with colons", "/dev/dri/by-path/pci-0000:00:02.0-card", `it is not a device, a path inside and some of the letters rwm, with colons between them
unc run --device "$(readlink -f /dev/dri/by-path/pci-0000:00:02.0-card)" ...    # if the name itself has colons`},
}

func TestParseDevice(t *testing.T) {
	for _, test := range goodDevices {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseDevice(test.text)
			if err != nil {
				t.Fatal(err)
			}
			want := nsexec.Mount{Kind: nsexec.Device, Source: test.source, Target: test.target}
			if diff := cmp.Diff(want, got.Mount); diff != "" || got.access != test.access {
				t.Errorf("got permissions %q, want %q, and the mount (-want +got):\n%s", got.access, test.access, diff)
			}
		})
	}
	for _, test := range badDevices {
		t.Run(test.name, func(t *testing.T) { compareRefusal(t, parseDevice, test.text, test.want) })
	}
}

// What everybody may open, and what is no device.
func TestCheckDevice(t *testing.T) {
	dir := openDir(t)
	write(t, filepath.Join(dir, "file"), 0o644)
	makeDirs(t, dir, "empty/empty", "mixed/empty")
	write(t, filepath.Join(dir, "mixed/file"), 0o644)
	for _, test := range []struct{ name, source, access, want string }{
		{"a device", "/dev/null", "", ""},
		{"with permissions", "/dev/null", "rw", ""},
		{"with all of them", "/dev/null", "rwm", ""},
		{"less than one may", "/dev/null", "r", `you may write to "/dev/null", and so may a container that has it: unc can't grant less than that`},
		{"nothing but its name", "/dev/null", "m", `you may read from "/dev/null", and so may a container that has it: unc can't grant less than that`},
		{"missing", dir + "/missing", "", `there is no device "` + dir + `/missing"`},
		{"below a file", dir + "/file/x", "", `looking at "` + dir + `/file/x": not a directory`},
		{"a file", dir + "/file", "", `"` + dir + `/file" is neither a device nor a directory of devices` + "\nunc run -v " + dir + "/file:DST ..."},
		{"an empty directory", dir + "/empty", "", `there is no device in "` + dir + `/empty"`},
		{"a directory with a file", dir + "/mixed", "", `"` + dir + `/mixed/file", which is no device, is in "` + dir + `/mixed"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := sayings(checkDevice(test.source, test.access)); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// What only some may open. Nodes are root's to make.
func TestCheckDeviceOfOthers(t *testing.T) {
	if os.Getuid() != 0 || tier.Is("userns") {
		t.Skip("making device nodes takes root")
	}
	dir := openDir(t)
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil || fs.Flags&unix.ST_NODEV != 0 {
		tier.Skip(t, "%s is mounted nodev", dir)
	}
	makeDirs(t, dir, "dri/by-path", "refused", "closed")
	for name, mode := range map[string]uint32{
		"kvm": 0o660, "mem": 0o640, "fuse": 0o600, "input": 0o664, "sink": 0o662, "dri/card0": 0o660, "dri/renderD128": 0o666, "refused/card0": 0o660,
	} {
		node := filepath.Join(dir, name)
		if err := unix.Mknod(node, unix.S_IFCHR, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
		// Not with Mknod: what the umask leaves of the mode is not to be guessed.
		if err := unix.Chmod(node, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(node, 0, 4000000003); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../card0", dir+"/dri/by-path/pci"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/closed", 0); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, source, access, want string }{
		{"the group's", "kvm", "", `you may not open "DIR/kvm", but its group "4000000003" may
sudo usermod -aG 4000000003 $USER    # then log in again`},
		{"the group's, to read", "mem", "r", `you may not read from "DIR/mem", but its group "4000000003" may
sudo usermod -aG 4000000003 $USER    # then log in again`},
		{"the group may only read it", "mem", "", `you may not open "DIR/mem"
sudo setfacl -m u:UID:rw DIR/mem    # until the next boot`},
		{"root's", "fuse", "rw", `you may not read from "DIR/fuse"
sudo setfacl -m u:UID:rw DIR/fuse    # until the next boot`},
		{"readable", "input", "", ""},
		{"readable, and no more is wanted", "input", "r", ""},
		{"readable, and more is wanted", "input", "rw", `you may not write to "DIR/input", but its group "4000000003" may
sudo usermod -aG 4000000003 $USER    # then log in again`},
		{"writable", "sink", "w", ""},
		{"a directory with one that can be opened", "dri", "", ""},
		{"a directory with none", "refused", "", `you may not open "DIR/refused/card0", but its group "4000000003" may
sudo usermod -aG 4000000003 $USER    # then log in again`},
		{"a directory that can't be listed", "closed", "", "you may not read \"DIR/closed/\"\nnamei -l DIR/closed/"},
		{"below such a directory", "closed/x", "", "you may not reach \"DIR/closed/x\"\nnamei -l DIR/closed/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			asNobody(t, func() { got = sayings(checkDevice(filepath.Join(dir, test.source), test.access)) })
			want := strings.NewReplacer("DIR", dir, "UID", fmt.Sprint(nobodyID)).Replace(test.want)
			if got != want {
				t.Errorf("got error %q, want %q", got, want)
			}
		})
	}
}

// A group of root's is not one to be added to.
func TestMayNot(t *testing.T) {
	who := fmt.Sprint(os.Getuid())
	for _, test := range []struct {
		name string
		mode uint32
		gid  uint32
		want string
	}{
		{"a group without a name", 0o660, 4000000003, `you may not open "/dev/x", but its group "4000000003" may`},
		{"root's group", 0o660, 0, `you may not open "/dev/x"` + "\nsudo setfacl -m u:" + who + ":rw /dev/x    # until the next boot"},
		{"nobody's but the owner's", 0o600, 4000000003, `you may not open "/dev/x"` + "\nsudo setfacl -m u:" + who + ":rw /dev/x    # until the next boot"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sayings(mayNot("open", "/dev/x", 0o060, &unix.Stat_t{Mode: unix.S_IFCHR | test.mode, Gid: test.gid}))
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// There is an end to the directories that are looked through.
func TestCheckDeviceDirIsBounded(t *testing.T) {
	dir := openDir(t)
	for i := range maxDevices {
		if err := os.Symlink("x", filepath.Join(dir, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf("%q has more than 4096 entries", dir)
	if err := checkDeviceDir(dir); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %v", err, want)
	}
}
