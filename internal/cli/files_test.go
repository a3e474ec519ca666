package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
	"unc/internal/nsexec"
)

func TestFileFlagsValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		f    fileFlags
		want string
	}{
		{"nothing", fileFlags{}, ""},
		{"all at once", fileFlags{
			Volume: []string{"./src:/src", "/a:/b:ro"}, Mount: []string{"type=tmpfs,dst=/cache"}, Tmpfs: []string{"/run"},
			Device: []string{"/dev/fuse"}, ReadOnly: true, Ephemeral: true, Workdir: "/src",
		}, ""},
		{"inside of another", fileFlags{Volume: []string{"/a:/b", "/c:/b/c"}, Tmpfs: []string{"/b/c/d"}}, ""},
		{"over the container's own files", fileFlags{Volume: []string{"/a:/etc/hosts"}, Tmpfs: []string{"/dev/shm", "/sys/fs/cgroup"}}, ""},
		{"names that begin like the container's own", fileFlags{Tmpfs: []string{"/process", "/system", "/devices"}}, ""},
		{
			"a wrong volume",
			fileFlags{Volume: []string{"/a:/b", "/c"}},
			`--volume "/c": a volume is a source, a colon, and a path inside the container`,
		},
		{"a wrong mount", fileFlags{Mount: []string{"dst=/c"}}, `--mount "dst=/c": there is no type=bind or type=tmpfs`},
		{"a wrong tmpfs", fileFlags{Tmpfs: []string{"/c:size=0"}}, `--tmpfs "/c:size=0": "0" is no size, which is bytes, or a number with k, m, g or %`},
		{"a wrong device", fileFlags{Device: []string{"fuse"}}, `--device "fuse": "fuse" is not an absolute path`},
		{"no target", fileFlags{Tmpfs: []string{""}}, `--tmpfs "": it names no path inside the container to mount on`},
		{"a relative target", fileFlags{Volume: []string{"/a:b"}}, `--volume "/a:b": "b" is not an absolute path inside the container`},
		{"the root", fileFlags{Volume: []string{"/a:/"}}, `--volume "/a:/": the container's root is not mounted over; --rootfs names another`},
		{"the root, in other words", fileFlags{Tmpfs: []string{"/a/.././"}}, `--tmpfs "/a/.././": the container's root is not mounted over; --rootfs names another`},
		{"/proc", fileFlags{Tmpfs: []string{"/proc"}}, `--tmpfs "/proc": "/proc" is the container's own: /proc, and all that is in it`},
		{"below /proc", fileFlags{Tmpfs: []string{"/proc/sys"}}, `--tmpfs "/proc/sys": "/proc/sys" is the container's own: /proc, and all that is in it`},
		{"/proc in other words", fileFlags{Tmpfs: []string{"//a/../proc//sys/."}}, `--tmpfs "//a/../proc//sys/.": "//a/../proc//sys/." is the container's own: /proc, and all that is in it`},
		{"/sys", fileFlags{Volume: []string{"/a:/sys/"}}, `--volume "/a:/sys/": "/sys/" is the container's own; only what is in it can be mounted over`},
		{"/dev", fileFlags{Device: []string{"/dev"}}, `--device "/dev": "/dev" is the container's own; only what is in it can be mounted over`},
		{"one target twice", fileFlags{Volume: []string{"/a:/x", "/b:/x"}}, `--volume "/b:/x": --volume "/a:/x" is mounted on "/x" as well`},
		{"one target, spelled otherwise", fileFlags{Volume: []string{"/a:/x"}, Tmpfs: []string{"/y/../x/"}}, `--tmpfs "/y/../x/": --volume "/a:/x" is mounted on "/x" as well`},
		{
			"one target, by a mount and a device",
			fileFlags{Mount: []string{"type=bind,src=/a,dst=/dev/fuse"}, Device: []string{"/dev/fuse"}},
			`--device "/dev/fuse": --mount "type=bind,src=/a,dst=/dev/fuse" is mounted on "/dev/fuse" as well`,
		},
		{"a relative working directory", fileFlags{Workdir: "src"}, `--workdir "src": it is not an absolute path inside the container`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.f.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// What a flag advises is still there when Validate has said which flag it was.
func TestFileFlagsKeepTheHint(t *testing.T) {
	err := (&fileFlags{Volume: []string{"data:/x"}}).Validate()
	if diff := cmp.Diff([]string{"unc run -v ./data:/x ...    # the file or directory of that name"}, hint.Of(err)); diff != "" {
		t.Errorf("hints of %v (-want +got):\n%s", err, diff)
	}
}

func TestFileFlagsApply(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"a", "b,c"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f := fileFlags{
		Volume: []string{"./a:/x//y/", "./b,c:/x:ro,noexec"}, Mount: []string{`type=bind,src=a,"dst=/a,b"`}, Tmpfs: []string{"/t:size=1m"},
		Device: []string{"/dev/null:/dev/x"}, ReadOnly: true, Ephemeral: true, Workdir: "/x//y/../z/",
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	got := nsexec.Spec{Hostname: "box"}
	if err := f.apply(&got); err != nil {
		t.Fatal(err)
	}
	want := nsexec.Spec{
		Hostname: "box", ReadOnly: true, Ephemeral: true, Workdir: "/x/z",
		Mounts: []nsexec.Mount{
			{Kind: nsexec.Bind, Source: "./a", Target: "/x/y"},
			{Kind: nsexec.Bind, Source: "./b,c", Target: "/x", ReadOnly: true, NoExec: true},
			{Kind: nsexec.Bind, Source: "a", Target: "/a,b"},
			{Kind: nsexec.Tmpfs, Target: "/t", NoExec: true, Size: "1m", Mode: 0o1777},
			{Kind: nsexec.Device, Source: "/dev/null", Target: "/dev/x"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestFileFlagsApplyNothing(t *testing.T) {
	for _, workdir := range []string{"", "/", "//", "/a/.."} {
		var got nsexec.Spec
		if err := (&fileFlags{Workdir: workdir}).apply(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(nsexec.Spec{}, got); diff != "" {
			t.Errorf("with --workdir %q, the spec (-want +got):\n%s", workdir, diff)
		}
	}
}

// A source is looked at before anything is started, and the message names the flag.
func TestFileFlagsApplyLooksAtSources(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		f    fileFlags
		want string
	}{
		{fileFlags{Volume: []string{"./missing:/x"}}, `--volume "./missing:/x": "./missing" does not exist`},
		{fileFlags{Mount: []string{"type=bind,src=missing,dst=/x"}}, `--mount "type=bind,src=missing,dst=/x": "missing" does not exist`},
		{fileFlags{Device: []string{"/dev/missing"}}, `--device "/dev/missing": there is no device "/dev/missing"`},
	} {
		if err := test.f.Validate(); err != nil {
			t.Fatal(err)
		}
		err := test.f.apply(&nsexec.Spec{})
		if err == nil || err.Error() != test.want {
			t.Errorf("got error %v, want %v", err, test.want)
		}
	}
}

// sayings is an error and its hints as one text, for tables.
func sayings(err error) string {
	if err == nil {
		return ""
	}
	return strings.Join(append([]string{err.Error()}, hint.Of(err)...), "\n")
}
