package cli

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/idmap"
	"unc/internal/nsexec"
	"unc/internal/record"
)

// answering has somebody answer for a container of that name as its supervisor would.
func answering(t *testing.T, called string, reply control.Reply, files ...*os.File) {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", privateDir(t))
	store, err := record.Open()
	if err != nil {
		t.Fatal(err)
	}
	held, err := store.Claim(called)
	if err == nil {
		err = held.Put(&record.Info{Name: called, Supervisor: os.Getpid()})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	fd, err := held.Listen()
	if err != nil {
		t.Fatal(err)
	}
	// Copies, for the test may be over before they are sent.
	var copies []*os.File
	for _, f := range files {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, os.NewFile(uintptr(fd), f.Name()))
	}
	err = control.Serve(os.NewFile(uintptr(fd), "control"), func(c *control.Conn, r *control.Request, _ []*os.File) {
		defer c.Close()
		if r.Verb == control.Network {
			_ = c.Send(reply, copies...)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func privateDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pipe is two descriptors to send; what they are is nsexec's to find out.
func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		reader.Close()
		writer.Close()
	})
	return reader, writer
}

func TestAskNetwork(t *testing.T) {
	reader, writer := pipe(t)
	answering(t, "web", control.Reply{Peer: &control.Peer{Hosts: "the hosts\n", Resolv: "the resolvers\n"}}, reader, writer)
	e, err := find("web")
	if err != nil {
		t.Fatal(err)
	}
	got, err := askNetwork(e)
	if err != nil {
		t.Fatal(err)
	}
	if got.hosts != "the hosts\n" || got.resolv != "the resolvers\n" {
		t.Errorf("got %q and %q, want what the supervisor has sent", got.hosts, got.resolv)
	}
	// In this order: what is written to the second comes out of the first.
	if _, err := got.netns.WriteString("x"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(got.init, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	got.init.Close()
	got.netns.Close()
}

func TestJoinFails(t *testing.T) {
	reader, writer := pipe(t)
	for _, test := range []struct {
		name, network string
		reply         control.Reply
		files         []*os.File
		want          string
	}{
		{"nobody of that name", joined + ":other", control.Reply{}, nil, `no container of yours is called "other"`},
		{
			"a refusal", peerWeb,
			control.Reply{Failed: &control.Failure{Text: "the container is in the host's network", Code: 125}},
			nil,
			`joining the network of "web": the container is in the host's network`,
		},
		{
			"no descriptors", peerWeb,
			control.Reply{Peer: &control.Peer{}},
			nil,
			`joining the network of "web": its supervisor's answer is not that of this version of unc`,
		},
		{
			"descriptors alone", peerWeb,
			control.Reply{},
			[]*os.File{reader, writer},
			`joining the network of "web": its supervisor's answer is not that of this version of unc`,
		},
		{
			"other descriptors", peerWeb,
			control.Reply{Peer: &control.Peer{}},
			[]*os.File{reader, writer},
			`joining the network of "web": only the network of another container of your own can be joined`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			answering(t, "web", test.reply, test.files...)
			f := networkFlags{Network: test.network}
			if err := f.Validate(); err != nil {
				t.Fatal(err)
			}
			target, err := f.join()
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, %v, want error %q", target, err, test.want)
			}
		})
	}
}

func TestJoinNothing(t *testing.T) {
	for _, kind := range []string{bridged, alone, onHost} {
		f := networkFlags{Network: kind}
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		if target, err := f.join(); target != nil || err != nil {
			t.Errorf("%s: got %v, %v, want nothing to join", kind, target, err)
		}
	}
}

func TestCheckJoin(t *testing.T) {
	const shares = ", whose user ids the container has"
	for _, test := range []struct {
		name, network, userns string
		kept                  nsexec.Capabilities
		want                  string
		hints                 []string
	}{
		{"another's", peerWeb, autoIDs, nsexec.DefaultCapabilities, "", nil},
		{"one id", peerWeb, singleID, 0, `--userns "single": it means nothing with --network container:web` + shares, nil},
		{"one's own id", peerWeb, keepID, 0, `--userns "keep-id": it means nothing with --network container:web` + shares, nil},
		{
			"all capabilities", peerWeb, autoIDs, nsexec.AllCapabilities,
			`--network "container:web": it is not for a container with CAP_SYS_ADMIN, which would reach into the other's mounts`,
			[]string{"unc run --network container:web --cap-add ALL --cap-drop SYS_ADMIN COMMAND    # with all others"},
		},
		{"all but one", peerWeb, autoIDs, nsexec.AllCapabilities &^ (1 << unix.CAP_SYS_ADMIN), "", nil},
		{"none joined", bridged, keepID, nsexec.AllCapabilities, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r runCmd
			r.Network, r.Userns, r.kept = test.network, test.userns, test.kept
			got := ""
			if err := r.networkFlags.Validate(); err != nil {
				t.Fatal(err)
			}
			err := r.checkJoin()
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.hints, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIDsIn(t *testing.T) {
	rootfs := t.TempDir()
	if err := os.Mkdir(filepath.Join(rootfs, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"passwd": "root:x:0:0::/root:\nalice:x:1000:100::/home/alice:\nwww:x:33:34::/srv:\nfar:x:33:70000::/:\n",
		"group":  "adm:x:4:www\n",
	} {
		if err := os.WriteFile(filepath.Join(rootfs, "etc", file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	full, _ := fullMap(uid, gid, 0, 0)
	alone, other := idmap.Single(uid, gid, 0, 0), idmap.Single(uid, gid, 1000, 100)
	for _, test := range []struct {
		name, user string
		ids        idmap.Map
		want       nsexec.User
		home, err  string
	}{
		{"nobody in particular", "", full, nsexec.User{}, "/root", ""},
		{"nobody in particular, one id", "", alone, nsexec.User{}, "/root", ""},
		{"nobody in particular, where there is no root", "", other, nsexec.User{UID: 1000, GID: 100}, "/home/alice", ""},
		{"root", "0", full, nsexec.User{Groups: []uint32{}}, "/root", ""},
		{"root, one id", "root", alone, nsexec.User{}, "/root", ""},
		{"another", "www", full, nsexec.User{UID: 33, GID: 34, Groups: []uint32{4}}, "/srv", ""},
		{"another, one id", "www", alone, nsexec.User{}, "", `--user "www": the container that is joined has no user id 33`},
		{"root, where there is none", "0", other, nsexec.User{}, "", `--user "0": the container that is joined has no user id 0`},
		{"a group beyond", "far", full, nsexec.User{}, "", `--user "far": the container that is joined has no group id 70000`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := identityFlags{User: test.user, Userns: autoIDs}
			got, home, err := f.idsIn(test.ids, rootfs)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != test.err || home != test.home {
				t.Errorf("got home %q and error %q, want %q and %q", home, text, test.home, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostIn(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"of podman and Docker", "127.0.0.1\tlocalhost\n10.100.42.1\thost.containers.internal host.docker.internal\n", "10.100.42.1"},
		{"not the first of its names", "10.100.42.1 a host.containers.internal\n", "10.100.42.1"},
		{"in a comment", "#10.100.42.1 host.containers.internal\n10.100.42.2 a # host.containers.internal\n", "invalid IP"},
		{"of another", "10.100.42.1 xhost.containers.internal\n", "invalid IP"},
		{"as an address", "host.containers.internal host.containers.internal\n", "invalid IP"},
		{"nowhere", "", "invalid IP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := hostIn(test.text).String(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// The supervisor of another container wrote it, or whoever has put something in its place.
func FuzzHostIn(f *testing.F) {
	f.Add("10.100.42.1\thost.containers.internal host.docker.internal\n")
	f.Add("fe80::1%eth0 host.containers.internal")
	f.Add("#\n\n \t host.containers.internal\n")
	f.Fuzz(func(t *testing.T, text string) {
		if addr := hostIn(text); addr.IsValid() {
			if again, err := netip.ParseAddr(addr.String()); err != nil || again != addr {
				t.Errorf("got %v, which is not an address", addr)
			}
		}
	})
}
