package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/nsexec"
)

func bind(source, target string) nsexec.Mount {
	return nsexec.Mount{Kind: nsexec.Bind, Source: source, Target: target}
}

func readOnly(m nsexec.Mount) nsexec.Mount { m.ReadOnly = true; return m }

func noExec(m nsexec.Mount) nsexec.Mount { m.NoExec = true; return m }

func tmpfs(target, size string, mode uint32) nsexec.Mount {
	return nsexec.Mount{Kind: nsexec.Tmpfs, Target: target, NoExec: true, Size: size, Mode: mode}
}

func executable(m nsexec.Mount) nsexec.Mount { m.NoExec = false; return m }

var goodVolumes = []struct {
	name, text string
	want       nsexec.Mount
}{
	{"a directory", "/a:/b", bind("/a", "/b")},
	{"read-only", "/a:/b:ro", readOnly(bind("/a", "/b"))},
	{"writable, in words", "/a:/b:rw", bind("/a", "/b")},
	{"here", ".:/b", bind(".", "/b")},
	{"above", "..:/b", bind("..", "/b")},
	{"below", "./a:/b", bind("./a", "/b")},
	{"beside", "../a:/b", bind("../a", "/b")},
	{"below, without a dot", "a/b:/b", bind("a/b", "/b")},
	{"hidden", ".ssh:/b", bind(".ssh", "/b")},
	{"the host's root", "/:/b", bind("/", "/b")},
	{"a comma on either side", "/a,ro:/b,rw", bind("/a,ro", "/b,rw")},
	{"spaces and quotes", `/a "b":/c 'd'`, bind(`/a "b"`, "/c 'd'")},
	{"not to be executed", "/a:/b:noexec,ro", noExec(readOnly(bind("/a", "/b")))},
	{"what is so anyway", "/a:/b:z,nosuid,nodev,rbind,private,rprivate,exec,Z", bind("/a", "/b")},
	{"true and false", "/a:/b:ro=false,noexec=true", noExec(bind("/a", "/b"))},
	{"not writable", "/a:/b:rw=0", readOnly(bind("/a", "/b"))},
}

const (
	noVolume    = "a volume is a source, a colon, and a path inside the container"
	colonInPath = "a path with a colon in it has no place here\nunc run --mount type=bind,src=SRC,dst=DST ..."
)

var badVolumes = []struct{ name, text, want string }{
	{"nothing", "", noVolume},
	{"a path", "/a", noVolume + "\nunc run -v /a:/a ..."},
	{"a path with a space", "/a b", noVolume + "\nunc run -v '/a b:/a b' ..."},
	{"a name", "data", noVolume},
	{"no source", ":/b", "there is nothing before the colon"},
	{"a name for a source", "data:/b:ro", "\"data\" would be the name of a volume, of which unc has none\nunc run -v ./data:/b:ro ...    # the file or directory of that name"},
	{"a colon in the source", "/a:b:/c", colonInPath},
	{"colons everywhere", "/a:b:/c:d:ro", colonInPath},
	{"empty options", "/a:/b:", `"" is no option of a volume`},
	{"an empty option", "/a:/b:ro,,z", `"" is no option of a volume`},
	{"an unknown option", "/a:/b:readwrite", `"readwrite" is no option of a volume`},
	{"capital letters", "/a:/b:RO", `"RO" is no option of a volume`},
	{"a space before an option", "/a:/b:ro, z", `" z" is no option of a volume`},
	{"one option twice", "/a:/b:ro,ro", `"ro" is the second option about the same thing`},
	{"at odds", "/a:/b:ro,z,rw", `"rw" is the second option about the same thing`},
	{"at odds in other words", "/a:/b:exec,noexec=false", `"noexec=false" is the second option about the same thing`},
	{"neither true nor false", "/a:/b:ro=yes", `"ro=yes" is neither true nor false`},
	{"no truth at all", "/a:/b:ro=", `"ro=" is neither true nor false`},
	{"another owner", "/a:/b:U", `"U": unc gives no file of the host another owner`},
	{"copy-on-write", "/a:/b:O", `"O": a volume is not copy-on-write; with --ephemeral the container's root is`},
	{"copy-on-write, with more", "/a:/b:upperdir=/c", `"upperdir=/c": a volume is not copy-on-write; with --ephemeral the container's root is`},
	{"suid", "/a:/b:suid", `"suid": what is mounted in a container is always nosuid`},
	{"dev", "/a:/b:dev", "\"dev\": what is mounted in a container is always nodev\nunc run --device SRC:DST ..."},
	{"propagation", "/a:/b:rslave", `"rslave": a mount made inside or outside later is never seen on the other side`},
	{"not recursive", "/a:/b:bind", `"bind": what is mounted below the source always comes along`},
	{"copied", "/a:/b:copy", `"copy": nothing is copied into what is mounted`},
	{"no copy", "/a:/b:nocopy", `"nocopy" is no option of a volume`},
	{"a tmpfs's option", "/a:/b:size=1m", `"size=1m" is for a tmpfs only`},
	{"another of them", "/a:/b:notmpcopyup", `"notmpcopyup" is no option of a volume`},
}

var goodTmpfs = []struct {
	name, text string
	want       nsexec.Mount
}{
	{"a path", "/t", tmpfs("/t", "", 0o1777)},
	{"a size", "/t:size=64m", tmpfs("/t", "64m", 0o1777)},
	{"a size and a mode", "/t:size=65536,mode=700", tmpfs("/t", "65536", 0o700)},
	{"a mode in C's spelling", "/t:mode=01755", tmpfs("/t", "", 0o1755)},
	{"no permissions", "/t:mode=0", tmpfs("/t", "", 0)},
	{"a part of the memory", "/t:size=100%", tmpfs("/t", "100%", 0o1777)},
	{"the largest", "/t:size=9223372036854775807", tmpfs("/t", "9223372036854775807", 0o1777)},
	{"the largest in GiB", "/t:size=8589934591G", tmpfs("/t", "8589934591G", 0o1777)},
	{"executable", "/t:exec", executable(tmpfs("/t", "", 0o1777))},
	{"read-only", "/t:ro", readOnly(tmpfs("/t", "", 0o1777))},
	{"podman's defaults", "/t:rw,noexec,nosuid,nodev", tmpfs("/t", "", 0o1777)},
	{"a comma in the path", "/a,b:rw", tmpfs("/a,b", "", 0o1777)},
	{"empty at first, in words", "/t:notmpcopyup", tmpfs("/t", "", 0o1777)},
	{"--mount's names", "/t:tmpfs-size=1k,tmpfs-mode=755", tmpfs("/t", "1k", 0o755)},
}

var badTmpfs = []struct{ name, text, want string }{
	{"empty options", "/t:", `"" is no option of a tmpfs`},
	{"a second colon", "/t:/u:ro", `"/u:ro" is no option of a tmpfs`},
	{"no limit", "/t:size=0", `"0" is no size, which is bytes, or a number with k, m, g or %`},
	{"no size", "/t:size=", `"" is no size, which is bytes, or a number with k, m, g or %`},
	{"no number", "/t:size=m", `"m" is no size, which is bytes, or a number with k, m, g or %`},
	{"less than nothing", "/t:size=-1", `"-1" is no size, which is bytes, or a number with k, m, g or %`},
	{"a sign", "/t:size=+1", `"+1" is no size, which is bytes, or a number with k, m, g or %`},
	{"a fraction", "/t:size=1.5g", `"1.5g" is no size, which is bytes, or a number with k, m, g or %`},
	{"Docker's unit", "/t:size=1mb", `"1mb" is no size, which is bytes, or a number with k, m, g or %`},
	{"two units", "/t:size=1km", `"1km" is no size, which is bytes, or a number with k, m, g or %`},
	{"too many digits", "/t:size=18446744073709551617", `"18446744073709551617" is no size, which is bytes, or a number with k, m, g or %`},
	{"too many GiB", "/t:size=8589934592g", `"8589934592g" is no size, which is bytes, or a number with k, m, g or %`},
	{"more than the memory", "/t:size=101%", `"101%" is no size, which is bytes, or a number with k, m, g or %`},
	{"two sizes", "/t:size=1m,tmpfs-size=2m", `"tmpfs-size=2m" is the second option about the same thing`},
	{"a mode with letters", "/t:mode=u+w", `"u+w" is no mode, which is octal digits such as 1777`},
	{"a decimal mode", "/t:mode=1888", `"1888" is no mode, which is octal digits such as 1777`},
	{"no mode", "/t:mode=", `"" is no mode, which is octal digits such as 1777`},
	{"a mode and more", "/t:mode=10000", `"10000" is no mode, which is octal digits such as 1777`},
	{"two modes", "/t:mode=1,mode=2", `"mode=2" is the second option about the same thing`},
	{"a volume's option", "/t:Z", `"Z" is no option of a tmpfs`},
	{"copied", "/t:tmpcopyup", `"tmpcopyup": nothing is copied into what is mounted`},
	{"an owner", "/t:uid=0", `"uid=0" is no option of a tmpfs`},
}

var goodMounts = []struct {
	name, text string
	want       nsexec.Mount
}{
	{"bind", "type=bind,source=/a,destination=/b", bind("/a", "/b")},
	{"the short names", "type=bind,src=/a,dst=/b", bind("/a", "/b")},
	{"in any order", "ro,target=/b,src=/a,type=bind", readOnly(bind("/a", "/b"))},
	{"a name for a source", "type=bind,src=data,dst=/b", bind("data", "/b")},
	{"colons", "type=bind,src=/a:b,dst=/c:d", bind("/a:b", "/c:d")},
	{"commas", `type=bind,"src=/a,b","dst=/c,d"`, bind("/a,b", "/c,d")},
	{"quotes", `type=bind,"src=/a""b",dst=/c`, bind(`/a"b`, "/c")},
	{"equals signs", "type=bind,src=/a=b,dst=/c=d", bind("/a=b", "/c=d")},
	{"a line end in quotes", "type=bind,\"src=/a\nb\",dst=/c", bind("/a\nb", "/c")},
	{"readonly=true", "type=bind,src=/a,dst=/b,readonly=true", readOnly(bind("/a", "/b"))},
	{"ro=false", "type=bind,src=/a,dst=/b,ro=false", bind("/a", "/b")},
	{"rw=false", "type=bind,src=/a,dst=/b,rw=false", readOnly(bind("/a", "/b"))},
	{"what is so anyway", "type=bind,src=/a,dst=/b,bind-propagation=rprivate,relabel=shared", bind("/a", "/b")},
	{"tmpfs", "type=tmpfs,dst=/t", tmpfs("/t", "", 0o1777)},
	{"tmpfs of a size and a mode", "tmpfs-size=512M,tmpfs-mode=0700,dst=/t,type=tmpfs", tmpfs("/t", "512M", 0o700)},
	{"tmpfs, executable", "type=tmpfs,dst=/t,exec", executable(tmpfs("/t", "", 0o1777))},
}

var badMounts = []struct{ name, text, want string }{
	{"nothing", "", "there are no fields in it"},
	{"no type", "src=/a,dst=/b", "there is no type=bind or type=tmpfs"},
	{"an empty type", "type=,src=/a,dst=/b", "there is no type=bind or type=tmpfs"},
	{"a volume with a name", "type=volume,src=a,dst=/b", "unc has no volumes with a name\nunc run --mount type=bind,src=SRC,dst=DST ...    # SRC is a directory"},
	{"another type", "type=image,src=a,dst=/b", `a mount of type "image" is not what unc makes: that is bind and tmpfs`},
	{"two types", "type=bind,src=/a,dst=/b,type=tmpfs", `"type=tmpfs" is the second option about the same thing`},
	{"no source", "type=bind,dst=/b", "there is no src="},
	{"an empty source", "type=bind,src=,dst=/b", `"src=" has no value`},
	{"a source without =", "type=bind,src,dst=/b", `"src" has no value`},
	{"two sources", "type=bind,src=/a,source=/a,dst=/b", `"source=/a" is the second option about the same thing`},
	{"an empty target", "type=tmpfs,target=", `"target=" has no value`},
	{"two targets", "type=tmpfs,dst=/a,target=/b", `"target=/b" is the second option about the same thing`},
	{"a source of a tmpfs", "type=tmpfs,src=/a,dst=/b", `"src=/a" means nothing for a tmpfs`},
	{"a size of a volume", "type=bind,src=/a,dst=/b,tmpfs-size=1m", `"tmpfs-size=1m" is for a tmpfs only`},
	{"a mode of a volume", "type=bind,src=/a,dst=/b,tmpfs-mode=755", `"tmpfs-mode=755" is for a tmpfs only`},
	{"propagation", "type=bind,src=/a,dst=/b,bind-propagation=shared", `"bind-propagation=shared": a mount made inside or outside later is never seen on the other side`},
	{"not recursive", "type=bind,src=/a,dst=/b,bind-nonrecursive", `"bind-nonrecursive": what is mounted below the source always comes along`},
	{"another owner", "type=bind,src=/a,dst=/b,chown=true", `"chown=true": unc gives no file of the host another owner`},
	{"an empty field", "type=bind,src=/a,,dst=/b", `"" is no option of a volume`},
	{"a space after a comma", "type=bind, src=/a,dst=/b", `" src=/a" is no option of a volume`},
	{"half a pair of quotes", `type=bind,"src=/a,dst=/b`, `reading it as CSV: extraneous or missing " in quoted-field`},
	{"quotes inside", `type=bind,src="/a",dst=/b`, `reading it as CSV: bare " in non-quoted-field`},
	{"two lines", "type=bind,src=/a,dst=/b\nro", "it has more than one line"},
}

func TestParseVolume(t *testing.T) {
	for _, test := range goodVolumes {
		t.Run(test.name, func(t *testing.T) { compareMount(t, parseVolume, test.text, test.want) })
	}
	for _, test := range badVolumes {
		t.Run(test.name, func(t *testing.T) { compareRefusal(t, parseVolume, test.text, test.want) })
	}
}

func TestParseTmpfs(t *testing.T) {
	for _, test := range goodTmpfs {
		t.Run(test.name, func(t *testing.T) { compareMount(t, parseTmpfs, test.text, test.want) })
	}
	for _, test := range badTmpfs {
		t.Run(test.name, func(t *testing.T) { compareRefusal(t, parseTmpfs, test.text, test.want) })
	}
}

func TestParseMount(t *testing.T) {
	for _, test := range goodMounts {
		t.Run(test.name, func(t *testing.T) { compareMount(t, parseMount, test.text, test.want) })
	}
	for _, test := range badMounts {
		t.Run(test.name, func(t *testing.T) { compareRefusal(t, parseMount, test.text, test.want) })
	}
}

func compareMount(t *testing.T, parse func(string) (fileMount, error), text string, want nsexec.Mount) {
	t.Helper()
	got, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Mount); diff != "" {
		t.Errorf("mount (-want +got):\n%s", diff)
	}
}

func compareRefusal(t *testing.T, parse func(string) (fileMount, error), text, want string) {
	t.Helper()
	if _, err := parse(text); sayings(err) != want {
		t.Errorf("got error %q, want %q", sayings(err), want)
	}
}
