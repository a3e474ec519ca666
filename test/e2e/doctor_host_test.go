package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// What root's policy says of this user, and what the host has, is brought about line by line.
func TestDoctorOfTheHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		root   string // done on the host
		policy []string
		etc    string // done where the patient's files are /etc
		want   []wanted
	}{
		{name: "IPv6 is turned off", root: "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6", want: []wanted{
			{"ipv6", "note", "IPv6 is turned off", "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0"},
		}},
		{name: "no name server", etc: "echo search lan.test >/etc/resolv.conf", want: []wanted{
			{"resolver", "note", "has no name server", "sudoedit /etc/resolv.conf"},
		}},
		{name: "no resolv.conf", etc: "rm /etc/resolv.conf", want: []wanted{
			{"resolver", "note", "has no name server", "sudoedit /etc/resolv.conf"},
		}},
		{name: "a resolv.conf that can't be read", etc: "chmod 600 /etc/resolv.conf", want: []wanted{
			{"resolver", "note", "permission denied", "sudo chmod a+r /etc/resolv.conf"},
		}},
		{name: "no way to the name server", root: "ip route del default; ip -6 route del default; ip addr flush dev lan0", want: []wanted{
			{"resolver", "note", "no name server of /etc/resolv.conf can be reached: " + neighbourAddr + ": network is unreachable", "ip route"},
		}},
		{name: "a policy that can't be read", policy: []string{"SUBNET=10.1.2.3/24"}, want: []wanted{
			{"policy", "problem", `"/etc/unc/network.conf", line 1`, ""},
			{"net-setup", "ok", "has the capability", ""},
		}},
		{name: "a policy that anybody can write", etc: "touch /etc/unc/network.conf; chmod 666 /etc/unc/network.conf", want: []wanted{
			{"policy", "problem", "/etc/unc/network.conf", "chmod"},
		}},
		{name: "not allowed", policy: []string{"ALLOW=bob"}, want: []wanted{
			{"policy", "problem", "may not use the network", "sudoedit /etc/unc/network.conf    # as root: ALLOW"},
			{"filter", "ok", "", ""},
		}},
		{name: "allowed by a group", policy: []string{"ALLOW=@alice"}, want: []wanted{{"policy", "ok", "may use the network", ""}}},
		{name: "no ports", policy: []string{"PUBLISH=none"}, want: []wanted{
			{"publish", "note", "no port may be published", "PUBLISH"},
		}},
		{name: "no ports of one's own", policy: []string{"MAX_PORTS_PER_USER=0"}, want: []wanted{
			{"publish", "note", "no port may be published", "MAX_PORTS_PER_USER"},
		}},
		{name: "some ports", policy: []string{"PUBLISH=443,8000-8999,80"}, want: []wanted{{"publish", "ok", "80, 443, 8000-8999", ""}}},
		{name: "no outside", policy: []string{"NAT=no"}, want: []wanted{
			{"reach", "note", "do not get to the outside: ", "NAT=yes"},
		}},
		{name: "no host either", policy: []string{"NAT=no", "HOST_ACCESS=no"}, want: []wanted{
			{"reach", "note", "do not get to the outside and the host: ", "NAT=yes, HOST_ACCESS=yes"},
		}},
		{name: "other users' containers", policy: []string{"ISOLATION=none"}, want: []wanted{{"reach", "ok", "and those of other users", ""}}},
		{name: "somebody else's bridge", root: "ip link add unc0 type bridge", want: []wanted{
			{"bridge", "problem", `interface "unc0" exists but is not unc's bridge`, "ip -d link show unc0"},
			{"filter", "ok", "", ""},
		}},
		{name: "a route in the way", root: "ip route add 10.100.42.128/25 via " + neighbourAddr, want: []wanted{
			{"bridge", "problem", `10.100.42.0/24 is taken: this host routes 10.100.42.128/25 through "lan0"`, "ip route show to match 10.100.42.0"},
		}},
		{name: "another subnet", root: "ip route add 10.100.42.128/25 via " + neighbourAddr, policy: []string{"SUBNET=10.100.43.0/24"}, want: []wanted{
			{"bridge", "ok", "10.100.43.0/24", ""},
		}},
		{name: "no subordinate ids", etc: "rm /etc/subuid", want: []wanted{
			{"subordinate-ids", "note", "/etc/subuid", `sudo usermod --add-subuids`},
			{"container", "ok", "tried", ""},
		}},
		{name: "no subordinate group ids", etc: "echo bob:1000000:65536 >/etc/subgid", want: []wanted{
			{"subordinate-ids", "note", "/etc/subgid gives none to user \"alice\"", `sudo usermod --add-subuids`},
		}},
		{name: "newuidmap without its privilege", etc: `cp "$(command -v newuidmap)" /etc/newuidmap; chmod 755 /etc/newuidmap; mount --bind /etc/newuidmap "$(readlink -f "$(command -v newuidmap)")"`, want: []wanted{
			{"subordinate-ids", "note", "newuidmap\" can't be used: it is neither setuid nor has a file capability", "sudo chmod u+s "},
		}},
		{name: "newgidmap that is none", etc: `mount --bind /dev/null "$(readlink -f "$(command -v newgidmap)")"`, want: []wanted{
			{"subordinate-ids", "note", "newgidmap", ""},
		}},
		{name: "subordinate ids that are used already", etc: "echo alice:4294967290:100 >>/etc/subuid", want: []wanted{
			{"container", "ok", "tried", ""},
		}},
		{name: "records in a stranger's directory", etc: "mount -t tmpfs none /tmp; mkdir /tmp/unc-$UID_OF_ALICE", want: []wanted{
			{"records", "problem", "belongs to another user", "export XDG_RUNTIME_DIR="},
		}},
		{name: "records that others can read", etc: "mount -t tmpfs none /tmp; mkdir -m 750 /tmp/unc-$UID_OF_ALICE; chown $UID_OF_ALICE /tmp/unc-$UID_OF_ALICE", want: []wanted{
			{"records", "problem", "others have access", "chmod 700 /tmp/unc-"},
		}},
		{name: "records in a file", etc: "mount -t tmpfs none /tmp; touch /tmp/unc-$UID_OF_ALICE", want: []wanted{
			{"records", "problem", "not a directory", "export XDG_RUNTIME_DIR="},
		}},
		{name: "records in a runtime directory", etc: "mount -t tmpfs none /run; mkdir -p -m 700 /run/user/$UID_OF_ALICE; chown $UID_OF_ALICE /run/user/$UID_OF_ALICE", want: []wanted{
			{"records", "ok", "/run/user/", ""},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			needProgram(t, "newuidmap", "uidmap")
			if test.root != "" {
				p.root(test.root)
			}
			if test.policy != nil {
				p.etc.policy(t, test.policy...)
			}
			p.examine(strings.ReplaceAll(test.etc, "$UID_OF_ALICE", fmt.Sprint(p.alice.uid))).wants(t, test.want...)
			p.settle()
		})
	}
}

// A route that came after the bridge takes the containers' packets elsewhere.
func TestDoctorOfARouteBesideTheBridge(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.run(p.etc.unc(p.host, p.alice, "run", "true")).works(t)
	p.examine("").wants(t, wanted{"bridge", "ok", "10.100.42.0/24", ""})
	p.root("ip route add 10.100.42.64/26 via " + neighbourAddr)
	p.examine("").wants(t, wanted{"bridge", "problem", `this host routes 10.100.42.64/26 through "lan0"`, "ip route show to match"})
	p.root("ip route del 10.100.42.64/26")
}

func TestDoctorOfAUsedQuota(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.etc.policy(t, "MAX_PER_USER=1", "MAX_PORTS_PER_USER=1")
	c := p.etc.container(p.host, p.alice, busyboxRootfs(t, p.alice), "-p", "8080:80")
	list := p.examine("")
	list.wants(t,
		wanted{"quota", "problem", "1 containers on the network, as many as one user may have", "MAX_PER_USER"},
		wanted{"publish", "note", "one user may publish 1 ports", "MAX_PORTS_PER_USER"},
	)
	// It is bob's own that counts for bob.
	bob := p.as(p.bob, unc, "doctor", "--format", "json")
	examined(t, p.run(p.on(bob, ""))).wants(t, wanted{"quota", "ok", "0 of 1 containers and 0 of 1 published ports", ""})
	c.end()
	eventually(t, "the quota free", func() bool {
		return len(p.examine("").of("quota").in("ok")) == 1
	})
}

// The firewalls that a start warns of, with the same commands, which help.
func TestDoctorOfAFirewall(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, name := range []string{"iptables-nft", "ip6tables-nft"} {
		if _, err := exec.LookPath(name); err != nil {
			tier.Skip(t, "this test needs %s: sudo apt-get install iptables", name)
		}
	}
	for _, firewall := range firewalls {
		t.Run(firewall.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			tools := newTools(t)
			asRoot := func(script string) { p.root(`PATH="$1:$PATH"; eval "$2"`, tools, script) }
			asRoot(firewall.script)
			dropping := p.examine("").of("firewall")
			var commands []string
			for i, f := range dropping {
				if f.State != "problem" || len(f.Fix) != 1 || i >= len(firewall.warnings) {
					t.Fatalf("got %+v, want problems with a command for %q", dropping, firewall.warnings)
				}
				commands = append(commands, f.Fix...)
			}
			warned := p.run(p.etc.unc(p.host, p.alice, "run", "true"))
			warned.works(t)
			if got := commandsIn(warningsIn(warned.stderr)); len(commands) == 0 || !slices.Equal(got, commands) {
				t.Errorf("got %q, and a start says %q", commands, got)
			}
			for _, command := range commands {
				asRoot(command)
			}
			p.examine("").wants(t, wanted{"firewall", "ok", "", ""})
			p.root(`"$1" net-setup remove && nft flush ruleset`, unc)
		})
	}
}

// Who root would become is looked at in its place; where there is nobody, all else is.
func TestDoctorCalledByRoot(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	call := func(env ...string) findings {
		cmd := p.command(unc, "doctor", "--format", "json")
		cmd.Env = append(cmd.Env, env...)
		return examined(t, p.run(p.on(cmd, "")))
	}
	alice := call(fmt.Sprintf("SUDO_UID=%d", p.alice.uid), fmt.Sprintf("SUDO_GID=%d", p.alice.gid))
	alice.wants(t,
		wanted{"user", "ok", fmt.Sprintf(`user "alice" (uid %d)`, p.alice.uid), ""},
		wanted{"policy", "ok", "", ""},
	)
	nobody := call()
	nobody.wants(t,
		wanted{"user", "problem", `there is no system user "unc"`, "./install.sh"},
		wanted{"kernel", "ok", "Linux", ""},
	)
	if f := nobody.of("container"); len(f) > 0 {
		t.Errorf("got %+v, want no container of root's", f)
	}
	p.etc.write(t, "passwd", fmt.Sprintf("root:x:0:0::/root:/bin/sh\nunc:x:%d:%d::/nonexistent:/bin/false\n", p.bob.uid, p.bob.gid))
	call().wants(t, wanted{"user", "ok", `user "unc"`, ""})
}

// Inside of a container, under a filter, without /proc/sys, with everything wrong at
// once: there is an answer, and it is the right one.
func TestDoctorWhereEverythingIsBroken(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	inside := func(t *testing.T, flags ...string) findings {
		t.Helper()
		args := append([]string{"run", "-v", plain + ":/unc:ro"}, flags...)
		return examined(t, p.run(p.etc.unc(p.host, p.alice, append(args, "/unc", "doctor", "--format", "json")...)))
	}
	t.Run("in a container", func(t *testing.T) {
		inside(t).wants(t,
			wanted{"user", "problem", "there is no system user", "./install.sh"},
			wanted{"file-capability", "problem", "/unc", "setcap"},
			wanted{"no-new-privs", "problem", "no_new_privs", "from outside"},
			wanted{"bounding-set", "problem", "bounding set", "from outside"},
			wanted{"mount", "problem", "nosuid", "findmnt"},
		)
	})
	t.Run("as another user in a container", func(t *testing.T) {
		inside(t, "-u", "1000").wants(t,
			wanted{"container", "problem", "no filter that hides its system calls", ""},
			wanted{"net-setup", "problem", "outside of containers only", ""},
		)
	})
	t.Run("a kernel without filters", func(t *testing.T) {
		file := newDir(t, user{}) + "/profile.json"
		must(t, os.WriteFile(file, []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["prctl"],
			"action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [{"index": 0, "value": 22, "op": "SCMP_CMP_EQ"}]}]}`), 0o644))
		inside(t, "--security-opt", "seccomp="+file).wants(t, wanted{"seccomp", "problem", "CONFIG_SECCOMP_FILTER", "seccomp=unconfined"})
		inside(t).wants(t, wanted{"seccomp", "ok", "", ""})
	})
	t.Run("without settings", func(t *testing.T) {
		p := patient{p.of(t), p.etc}
		p.examine("mount -t tmpfs none /proc/sys; mount -t tmpfs none /sys").wants(t,
			wanted{"ipv6", "note", "no IPv6", "ipv6.disable=0"},
			wanted{"file-capability", "ok", "", ""},
		)
	})
	// A file that never ends to be opened; not before the programs that start unc have read it.
	blocked := func(p patient, file string) findings {
		p.t.Helper()
		s := p.open(p.on(p.as(p.alice, "sh"), ""))
		s.do("true")
		must(p.t, os.Remove(p.etc.dir+"/"+file))
		must(p.t, unix.Mkfifo(p.etc.dir+"/"+file, 0o644))
		out, code := s.try(unc + " doctor --format json")
		return examined(p.t, result{stdout: out, code: code})
	}
	t.Run("a net-setup that does not answer", func(t *testing.T) {
		p := newPatient(t)
		p.etc.policy(t, "ALLOW=@team") // for which it reads /etc/group
		blocked(p, "group").wants(t,
			wanted{"net-setup", "problem", "it was ended: signal: killed", ""},
			wanted{"kernel", "ok", "Linux", ""},
		)
	})
	t.Run("users that can't be looked up", func(t *testing.T) {
		blocked(newPatient(t), "passwd").wants(t,
			wanted{"user", "problem", "could not be found out within 3s", ""},
			wanted{"net-setup", "ok", "has the capability", ""},
		)
	})
	t.Run("all of it", func(t *testing.T) {
		p := newPatient(t)
		p.root("ip link add unc0 type bridge")
		p.etc.policy(t, "ALLOW=bob", "NAT=no", "PUBLISH=none")
		cmd := p.as(p.alice, "setpriv", "--no-new-privs", plain, "doctor", "--format", "json")
		list := examined(t, p.run(p.on(cmd, `rm /etc/resolv.conf /etc/subuid; mount -t tmpfs -o mode=755 none /proc/sys; mount -t tmpfs none /tmp; mkdir /tmp/unc-`+fmt.Sprint(p.alice.uid))))
		p.root("ip link del unc0")
		for _, name := range []string{"file-capability", "no-new-privs", "net-setup", "policy", "bridge", "records"} {
			if len(list.of(name).in("problem")) != 1 {
				t.Errorf("got %+v, want a problem", list.of(name))
			}
		}
		for _, name := range []string{"resolver", "subordinate-ids", "reach", "publish"} {
			if len(list.of(name).in("note")) != 1 {
				t.Errorf("got %+v, want a note", list.of(name))
			}
		}
	})
}
