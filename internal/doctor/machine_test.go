package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/filecap"
	"unc/internal/idmap"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

// These are machines that can't be had in a test of the whole program: other kernels, and
// AppArmor. What can be brought about, test/e2e brings about.

type files map[string]string

// newMachine is one with these files and settings.
func newMachine(t *testing.T, present files, settings ...string) *machine {
	t.Helper()
	m := &machine{root: t.TempDir(), release: func() (string, error) { return "6.1.0-18-amd64", nil }}
	for name, text := range present {
		path := m.root + name
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	m.settings = func(name string) string {
		if i := slices.Index(settings, name); i >= 0 {
			return settings[i+1]
		}
		return ""
	}
	return m
}

// expected is what a check is to find.
type expected struct {
	state     State
	text, fix string // parts; an empty fix is none at all
}

func (want expected) check(t *testing.T, got []Finding) {
	t.Helper()
	if len(got) != 1 || got[0].State != want.state || !strings.Contains(got[0].Text, want.text) ||
		(want.fix == "") != (len(got[0].Fix) == 0) || !strings.Contains(strings.Join(got[0].Fix, "\n"), want.fix) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

const (
	lib      = "/lib/modules/6.1.0-18-amd64/"
	restrict = "kernel.apparmor_restrict_unprivileged_userns"
)

// depList is a modules.dep with all that unc takes but what is left out.
func depList(suffix string, without ...string) string {
	var b strings.Builder
	for _, name := range netplumb.Modules() {
		if !slices.Contains(without, name) {
			b.WriteString("kernel/net/" + name + ".ko" + suffix + ": kernel/net/802/stp.ko" + suffix + "\n")
		}
	}
	return b.String()
}

func TestModules(t *testing.T) {
	loaded := files{"/proc/modules": ""}
	for _, name := range netplumb.Modules() {
		loaded["/sys/module/"+name+"/refcnt"] = "1\n"
	}
	for _, test := range []struct {
		name     string
		files    files
		settings []string
		want     expected
	}{
		{"all are loaded", loaded, nil, expected{OK, "are there", ""}},
		{"all can be", files{lib + "modules.builtin": "", lib + "modules.dep": depList("")}, nil, expected{OK, "or loaded when they are used first", ""}},
		{"compressed by xz", files{lib + "modules.builtin": "", lib + "modules.dep": depList(".xz")}, nil, expected{OK, "or loaded", ""}},
		{"compressed by zstd", files{lib + "modules.builtin": "", lib + "modules.dep": depList(".zst")}, nil, expected{OK, "or loaded", ""}},
		{"built in", files{lib + "modules.builtin": depList(""), lib + "modules.dep": ""}, nil, expected{OK, "or loaded", ""}},
		{"some each", files{
			lib + "modules.builtin": "kernel/net/bridge/bridge.ko\n", lib + "modules.dep": depList("", "bridge", "veth"), "/sys/module/veth/refcnt": "",
		}, nil, expected{OK, "or loaded", ""}},
		{"usr alone", files{"/usr" + lib + "modules.builtin": "", "/usr" + lib + "modules.dep": depList("")}, nil, expected{OK, "or loaded", ""}},
		{"NixOS", files{
			"/run/booted-system/kernel-modules" + lib + "modules.builtin": "", "/run/booted-system/kernel-modules" + lib + "modules.dep": depList(".xz"),
		}, nil, expected{OK, "or loaded", ""}},
		{
			"no bridge and no veth",
			files{lib + "modules.builtin": "", lib + "modules.dep": depList("", "bridge", "veth")},
			nil,
			expected{Problem, "the kernel 6.1.0-18-amd64 has no bridge, veth", "sudo apt-get install linux-image-"},
		},
		{
			"no part of nftables",
			files{lib + "modules.builtin": "", lib + "modules.dep": depList("", "nft_socket")},
			nil,
			expected{Problem, "has no nft_socket", "linux-modules-extra"},
		},
		{
			"a dependency is none of the kernel's own",
			files{lib + "modules.builtin": "", lib + "modules.dep": depList("", "bridge") + "x/y.ko: x/bridge.ko\n"},
			nil,
			expected{Problem, "has no bridge", "linux-image-"},
		},
		{
			"none can be loaded any more",
			files{lib + "modules.builtin": "", lib + "modules.dep": depList("")},
			[]string{"kernel.modules_disabled", "1"},
			expected{Problem, "kernel.modules_disabled is 1", "sudo reboot"},
		},
		{
			"none need be loaded any more",
			files{lib + "modules.builtin": depList(""), lib + "modules.dep": ""},
			[]string{"kernel.modules_disabled", "1"},
			expected{OK, "are there", ""},
		},
		{
			"the kernel was upgraded",
			files{"/proc/modules": "", "/lib/modules/6.1.0-19-amd64/modules.dep": depList("")},
			nil,
			expected{Note, "no modules of the running kernel, 6.1.0-18-amd64", "sudo reboot"},
		},
		{"a kernel without modules", nil, nil, expected{OK, "loads none", ""}},
		{"a list that can't be read", files{lib + "modules.builtin/x": "", lib + "modules.dep": ""}, nil, expected{Problem, "modules.builtin", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.check(t, newMachine(t, test.files, test.settings...).modules())
		})
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz\nkernel/net/x-y.ko:\n")
	f.Add(".ko\n:\n\n/\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name := range parseList(text) {
			if name == "" || strings.ContainsAny(name, "/-\n:") {
				t.Errorf("got %q for a module's name", name)
			}
		}
	})
}

func TestAppArmor(t *testing.T) {
	for _, test := range []struct {
		name     string
		files    files
		settings []string
		want     expected
	}{
		{"there is none", nil, nil, expected{OK, "does not restrict", ""}},
		{"it does not restrict", files{"/proc/self/attr/current": "unconfined\n"}, []string{restrict, "0"}, expected{OK, "does not restrict", ""}},
		{
			"without a profile",
			files{"/proc/self/attr/current": "unconfined\n"},
			[]string{restrict, "1"},
			expected{Problem, restrict + " is 1", "profile unc " + filecap.Path() + " flags=(unconfined)"},
		},
		{"with a profile", files{"/proc/self/attr/current": "unc (unconfined)\n"}, []string{restrict, "1"}, expected{OK, "the profile unc (unconfined)", ""}},
		{"with a zero byte", files{"/proc/self/attr/current": "unconfined\x00"}, []string{restrict, "1"}, expected{Problem, restrict, "apparmor_parser -r"}},
		{
			"beside another module",
			files{"/proc/self/attr/apparmor/current": "unconfined\n", "/proc/self/attr/current": "unconfined_u:unconfined_r\n"},
			[]string{restrict, "1"},
			expected{Problem, restrict, "apparmor_parser -r"},
		},
		{"without /proc", nil, []string{restrict, "1"}, expected{Problem, "looking for unc's profile", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.check(t, newMachine(t, test.files, test.settings...).appArmor())
		})
	}
}

func TestKernel(t *testing.T) {
	for _, test := range []struct {
		release string
		want    expected
	}{
		{"6.18.44", expected{OK, "Linux 6.18.44", ""}},
		{"5.12", expected{OK, "Linux 5.12", ""}},
		{"5.12.0-rc1+", expected{OK, "Linux 5.12.0-rc1+", ""}},
		{"10.0", expected{OK, "Linux 10.0", ""}},
		{"5.11.22", expected{Problem, "5.12 or newer", "full-upgrade"}},
		{"4.19.0-26-amd64", expected{Problem, "5.12 or newer", "full-upgrade"}},
		{"next", expected{Problem, `"next" is no version`, ""}},
	} {
		t.Run(test.release, func(t *testing.T) {
			m := &machine{release: func() (string, error) { return test.release, nil }}
			test.want.check(t, m.kernel())
		})
	}
	m := &machine{release: func() (string, error) { return "", unix.EPERM }}
	expected{Problem, "operation not permitted", ""}.check(t, m.kernel())
}

func TestSeccomp(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want expected
	}{
		{"the kernel has looked for a filter", unix.EFAULT, expected{OK, "filters system calls", ""}},
		{"another filter refuses it", unix.EPERM, expected{OK, "filters system calls", ""}},
		{"no filters", unix.EINVAL, expected{Problem, "CONFIG_SECCOMP_FILTER", "seccomp=unconfined"}},
		{"no seccomp", unix.ENOSYS, expected{Problem, "CONFIG_SECCOMP_FILTER", "seccomp=unconfined"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &machine{filters: func() error { return test.err }}
			test.want.check(t, m.seccomp())
		})
	}
	if err := kernelFilters(); !errors.Is(err, unix.EFAULT) {
		t.Errorf("this kernel: got %v, want %v", err, unix.EFAULT)
	}
}

func TestIPv6(t *testing.T) {
	const name = "net.ipv6.conf.all.disable_ipv6"
	for _, test := range []struct {
		name     string
		settings []string
		want     expected
	}{
		{"on", []string{name, "0"}, expected{OK, "on", ""}},
		{"off", []string{name, "1"}, expected{Note, name + " is 1", "sudo sysctl -w " + name + "=0"}},
		{"none", nil, expected{Note, "no IPv6", "ipv6.disable=0"}},
	} {
		t.Run(test.name, func(t *testing.T) { test.want.check(t, newMachine(t, nil, test.settings...).ipv6()) })
	}
}

func TestNamespaceSettings(t *testing.T) {
	var limits []string
	for _, kind := range []string{"net", "mnt", "pid", "uts", "ipc", "cgroup"} {
		limits = append(limits, "user.max_"+kind+"_namespaces", "100")
	}
	for _, test := range []struct {
		name        string
		settings    []string
		users, rest expected
	}{
		{"hidden", nil, expected{OK, "shows no limit", ""}, expected{OK, "shows no limits", ""}},
		{"allowed", append([]string{"user.max_user_namespaces", "7"}, limits...), expected{OK, "may have 7", ""}, expected{OK, "may have 100 of kind net", ""}},
		{"Debian's setting", []string{"kernel.unprivileged_userns_clone", "0"}, expected{Problem, "lets only root", "sudo sysctl -w kernel.unprivileged_userns_clone=1"}, expected{OK, "", ""}},
		{"none of users", append([]string{"user.max_user_namespaces", "0"}, limits...), expected{Problem, "user.max_user_namespaces is 0", "=16384"}, expected{Problem, "user.max_user_namespaces is 0", "=16384"}},
		{"none of networks", append([]string{"user.max_net_namespaces", "0"}, limits...), expected{OK, "", ""}, expected{Problem, "user.max_net_namespaces is 0", "=16384"}},
		{"few of one", append([]string{"user.max_uts_namespaces", "3"}, limits...), expected{OK, "", ""}, expected{OK, "may have 3 of kind uts", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t, nil, test.settings...)
			test.users.check(t, m.userNamespaces())
			test.rest.check(t, m.namespaces())
		})
	}
}

// fakeContainer answers as a trial goes.
type fakeContainer struct{ ready, own error }

func (c fakeContainer) Ready() (*nsexec.Handles, error) { return &nsexec.Handles{}, c.ready }
func (c fakeContainer) Abort() error                    { return c.own }

func TestTrial(t *testing.T) {
	var (
		refused = errors.New("it was refused")
		nearer  = errors.New("that is nearer to the cause")
	)
	for _, test := range []struct {
		name  string
		start func(*nsexec.Spec) (container, error)
		want  []expected
	}{
		{"it works", func(*nsexec.Spec) (container, error) { return fakeContainer{}, nil }, []expected{{OK, "tried", ""}, {OK, "tried", ""}}},
		{"it can't be started", func(*nsexec.Spec) (container, error) { return nil, refused }, []expected{{Problem, "it was refused", ""}}},
		{"it does not get ready", func(*nsexec.Spec) (container, error) { return fakeContainer{ready: refused}, nil }, []expected{{Problem, "it was refused", ""}}},
		{"it says why", func(*nsexec.Spec) (container, error) { return fakeContainer{refused, nearer}, nil }, []expected{{Problem, "that is nearer", ""}}},
		{"it is ended while it waits", func(*nsexec.Spec) (container, error) { return fakeContainer{own: nearer}, nil }, []expected{{OK, "tried", ""}, {OK, "tried", ""}}},
		{"no overlays", func(s *nsexec.Spec) (container, error) {
			if s.Ephemeral {
				return nil, refused
			}
			return fakeContainer{}, nil
		}, []expected{{OK, "tried", ""}, {Note, "there is no -x, and the throw-away system is read-only: it was refused", ""}}},
		{"an overlay of the second directory", func(s *nsexec.Spec) (container, error) {
			if s.Rootfs == laid[0] {
				return nil, refused
			}
			return fakeContainer{}, nil
		}, []expected{{OK, "tried", ""}, {OK, "tried", ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &machine{start: test.start, ids: func() (idmap.Map, error) { return idmap.Map{}, nil }}
			got := m.container()
			if len(got) != len(test.want) {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
			for i, want := range test.want {
				want.check(t, got[i:i+1])
			}
		})
	}
}

// What of net-setup's answers no host can be brought to.
func TestNetwork(t *testing.T) {
	terms := &netplumb.Terms{Bridge: "unc0", MaxLeases: 128, MaxPorts: 128, Subnet: "10.100.42.0/24", NAT: true, HostAccess: true, Isolated: true}
	for _, test := range []struct {
		name    string
		checkup *netplumb.Checkup
		err     error
		of      string
		want    expected
	}{
		{"no answer", nil, errors.New("running net-setup: it was ended"), "net-setup", expected{Problem, "it was ended", ""}},
		{"no nftables", &netplumb.Checkup{Terms: terms, Filter: &netplumb.Failure{Text: "this kernel lacks a part of nftables", Hints: []string{"sudo modprobe"}}}, nil, "filter", expected{Problem, "lacks a part", "sudo modprobe"}},
		{"nftables", &netplumb.Checkup{Terms: terms}, nil, "filter", expected{OK, "can be set up", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t, nil)
			m.options.Checkup = func() (*netplumb.Checkup, error) { return test.checkup, test.err }
			got := slices.DeleteFunc(m.network(), func(f Finding) bool { return f.Name != test.of })
			test.want.check(t, got)
		})
	}
	// Where the filter can't be asked, nothing is said of other firewalls.
	m := newMachine(t, nil)
	m.options.Checkup = func() (*netplumb.Checkup, error) {
		return &netplumb.Checkup{Terms: terms, Filter: &netplumb.Failure{Text: "no"}}, nil
	}
	if slices.ContainsFunc(m.network(), func(f Finding) bool { return f.Name == "firewall" }) {
		t.Error("got a finding about firewalls, which nobody has looked for")
	}
}

func TestNeighbours(t *testing.T) {
	const v4, v6 = "net.ipv4.neigh.default.gc_thresh3", "net.ipv6.neigh.default.gc_thresh3"
	const usual, most = 253, 1021 // addresses of a /24, and of all from /22 on
	for _, test := range []struct {
		name      string
		addresses int
		ipv6      bool
		settings  []string
		state     State
		text      string
		fix       []string
	}{
		{"as machines come", usual, true, []string{v4, "1024", v6, "1024"}, OK, "the kernel has room for 1024 neighbours, and 253 containers may be", []string{}},
		{"just enough", 512, true, []string{v4, "1024", v6, "1024"}, OK, "room for 1024", []string{}},
		{"not quite", 513, false, []string{v4, "1024", v6, "1024"}, Note, "513 containers may be", []string{"sudo sysctl -w " + v4 + "=4096"}},
		{"many addresses", most, true, []string{v4, "1024", v6, "1024"}, Note, "has room for 1024 on", []string{"sudo sysctl -w " + v4 + "=4096", "sudo sysctl -w " + v6 + "=4096"}},
		{"raised", most, true, []string{v4, "4096", v6, "4096"}, OK, "room for 4096", []string{}},
		{"raised for one", most, true, []string{v4, "4096", v6, "1024"}, Note, "room for 1024 on", []string{"sudo sysctl -w " + v6 + "=4096"}},
		{"without IPv6", most, false, []string{v4, "4096", v6, "1024"}, OK, "room for 4096", []string{}},
		{"lowered", usual, false, []string{v4, "128"}, Note, "room for 128 on", []string{"sudo sysctl -w " + v4 + "=1024"}},
		{"not shown", most, true, nil, OK, "shows no limit", []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t, nil, test.settings...)
			got := m.neighbours(&netplumb.Terms{Addresses: test.addresses, IPv6: test.ipv6})
			if got.State != test.state || !strings.Contains(got.Text, test.text) || !slices.Equal(got.Fix, test.fix) {
				t.Errorf("got %+v, want %v, %q, %q", got, test.state, test.text, test.fix)
			}
		})
	}
}
