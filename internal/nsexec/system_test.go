package nsexec

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw,nosuid shared:2 - proc proc rw
24 22 0:22 / /usr/share/with\040space rw - tmpfs none rw
25 22 0:23 / /nix/store ro,relatime - ext4 /dev/vdb ro
26 22 0:24 / /opt rw - tmpfs none rw
27 22 0:25 /usr/lib/x /var rw - tmpfs none rw
28 22 0:26 / /libexec rw - tmpfs /lib/y rw
`

func TestHasMountBelow(t *testing.T) {
	for _, test := range []struct {
		dir  string
		want bool
	}{
		{"/nix", true},
		{"/usr", true},
		{"/usr/share", true},
		{"/opt", false},       // on it is not below it
		{"/lib", false},       // /libexec is beside it, and a source is not a place
		{"/usr/lib", false},   // what is mounted from there is elsewhere
		{"/nix/store", false}, // the mount itself
		{"/etc", false},
		{"", true}, // all are below the root
	} {
		t.Run(test.dir, func(t *testing.T) {
			if got := hasMountBelow(mountinfo, test.dir); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestHasMountBelowOfNonsense(t *testing.T) {
	for _, text := range []string{"", "\n", "22 1 254:0 /", "a b c d /usr/x", "/usr/x\n/usr/x\n"} {
		if hasMountBelow(text, "/usr") {
			t.Errorf("%q: got true, want false", text)
		}
	}
}

func FuzzHasMountBelow(f *testing.F) {
	f.Add(mountinfo, "/usr")
	f.Add("1 2 3 4 /a/b 6", "/a")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, dir string) {
		got := hasMountBelow(text, dir)
		want := false
		for _, line := range strings.Split(text, "\n") {
			fields := strings.Split(line, " ")
			want = want || len(fields) > 5 && strings.Index(fields[4], dir+"/") == 0
		}
		if got != want {
			t.Errorf("%q below %q: got %v, want %v", text, dir, got, want)
		}
	})
}

// This machine's own system, whatever it is: nobody's data may be part of it.
func TestReadSystem(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		t.Run(fmt.Sprint("read-only ", readOnly), func(t *testing.T) {
			sys, err := readSystem(readOnly)
			if err != nil {
				t.Fatal(err)
			}
			checkSystem(t, sys)
			if sys.readOnly != readOnly || readOnly && len(sys.layers) > 0 {
				t.Errorf("got read-only %v, with writable copies of %q", sys.readOnly, sys.layers)
			}
		})
	}
}

func checkSystem(t *testing.T, sys *system) {
	t.Helper()
	seen := map[string]bool{}
	show := func(name string) {
		if seen[name] {
			t.Errorf("/%s is shown twice", name)
		}
		seen[name] = true
	}
	for _, link := range sys.links {
		show(link[0])
		if target, err := os.Readlink("/" + link[0]); err != nil || target != link[1] {
			t.Errorf("link /%s: got %q, want %q, %v", link[0], link[1], target, err)
		}
	}
	for _, name := range slices.Concat(sys.layers, sys.binds) {
		show(name)
		if info, err := os.Lstat("/" + name); err != nil || !info.IsDir() {
			t.Errorf("/%s: got %v, %v, want a directory", name, info, err)
		}
	}
	for _, name := range []string{"home", "root", "srv", "mnt", "media", "tmp", "run", "proc", "sys", "dev", "boot"} {
		if seen[name] {
			t.Errorf("the host's /%s is shown", name)
		}
	}
	if !seen["usr"] || !seen["etc"] {
		t.Errorf("got %v, want usr and etc among them", seen)
	}
	if seen["var"] && !slices.Contains(sys.hidden, "var/tmp") {
		t.Errorf("got %q hidden, want var/tmp among them", sys.hidden)
	}
}
