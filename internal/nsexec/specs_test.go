package nsexec

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// callerIs is the single map in which the caller has these ids inside.
func callerIs(uid, gid uint32) idmap.Map {
	return idmap.Single(uint32(os.Geteuid()), uint32(os.Getegid()), uid, gid)
}

// fullMap has subordinate ids beside the caller's, who is id inside.
func fullMap(id uint32) idmap.Map {
	part := func(inside, outside, count uint32) idmap.Range {
		return idmap.Range{Inside: inside, Outside: outside, Count: count}
	}
	around := func(own uint32) []idmap.Range {
		if id == 0 {
			return []idmap.Range{part(0, own, 1), part(1, 200000, 65536)}
		}
		return []idmap.Range{part(id, own, 1), part(0, 200000, id), part(id+1, 200000+id, 65536-id)}
	}
	return idmap.Map{UIDs: around(uint32(os.Geteuid())), GIDs: around(uint32(os.Getegid()))}
}

// joined is a container to join, as far as a program has it.
func joined(ids idmap.Map) *Target {
	return &Target{IDs: ids, userns: os.Stdout, netns: os.Stderr}
}

// deep is a path of n components.
func deep(n int) string { return strings.Repeat("/d", n) }

// allowAll is the shortest filter that there is.
var allowAll = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}

// everyMount has each kind of mount, of directories and files, some in others, and not in order.
func everyMount() []Mount {
	return []Mount{
		{Kind: Tmpfs, Target: "/data/in/it", Mode: 0o700, Size: "1m", NoExec: true},
		{Kind: Bind, Source: "/usr", Target: "/data"},
		{Kind: Bind, Source: "/proc/self/exe", Target: "/data/in/file", ReadOnly: true},
		{Kind: Tmpfs, Target: "/scratch", Mode: 0o1777},
		{Kind: Device, Source: "/dev/null", Target: "/dev/other"},
		{Kind: Device, Source: "/dev", Target: "/devices", ReadOnly: true},
		{Kind: Bind, Source: "relative/and/missing", Target: deep(maxDepth), ReadOnly: true, NoExec: true},
	}
}

// manyMounts are as many as there may be, each as deep as it may be.
func manyMounts() (list []Mount) {
	for i := range maxMounts {
		list = append(list, Mount{Source: "/usr", Target: deep(maxDepth-1) + fmt.Sprintf("/%d", i)})
	}
	return list
}

// specs are containers of every kind. What they leave out is filled in by programs.
func specs() map[string]Spec {
	terminals := [3]bool{true, true, true}
	other := User{UID: 33, GID: 34, Groups: []uint32{35, 36}}
	raw := Capabilities(1 << unix.CAP_NET_RAW)
	return map[string]Spec{
		"rootfs":   {Rootfs: "/srv/box"},
		"system":   {},
		"no init":  {Rootfs: "/srv/box", NoInit: true},
		"terminal": {Rootfs: "/srv/box", Terminal: terminals},
		"output is a terminal, throw-away system": {Terminal: [3]bool{1: true}},

		"no network":                        {Rootfs: "/srv/box", Network: NoNetwork},
		"the host's network":                {Rootfs: "/srv/box", Network: HostNetwork},
		"the host's network, with terminal": {Network: HostNetwork, Terminal: terminals},

		"another's network":                {Rootfs: "/srv/box", Network: JoinedNetwork, Join: joined(callerIs(0, 0))},
		"another's network, with terminal": {Network: JoinedNetwork, Join: joined(callerIs(0, 0)), Terminal: terminals},
		"another's network, no init":       {Network: JoinedNetwork, Join: joined(callerIs(0, 0)), NoInit: true},
		"another's network, user":          {Network: JoinedNetwork, Join: joined(fullMap(0)), User: other},
		"another's network, control group": {Network: JoinedNetwork, Join: joined(fullMap(1000)), Cgroup: os.Stdin},

		"ephemeral":                              {Rootfs: "/srv/box", Ephemeral: true},
		"ephemeral, system":                      {Ephemeral: true},
		"read-only":                              {Rootfs: "/srv/box", ReadOnly: true},
		"read-only, system":                      {ReadOnly: true},
		"read-only, ephemeral":                   {Rootfs: "/srv/box", ReadOnly: true, Ephemeral: true},
		"read-only, ephemeral, system, terminal": {ReadOnly: true, Ephemeral: true, Terminal: terminals},

		"mounts":            {Rootfs: "/srv/box", Mounts: everyMount()},
		"mounts, read-only": {Rootfs: "/srv/box", Mounts: everyMount(), ReadOnly: true},
		"mounts, ephemeral": {Rootfs: "/srv/box", Mounts: everyMount(), Ephemeral: true},
		"mounts, system":    {Mounts: everyMount(), Terminal: terminals},
		"many mounts": {
			Mounts: manyMounts(), ReadOnly: true, Network: HostNetwork, Terminal: terminals, Workdir: deep(maxDepth),
		},
		"mounts over what is ours, read-only": {ReadOnly: true, Mounts: []Mount{
			{Kind: Tmpfs, Target: "/tmp", Mode: 0o1777},
			{Source: "/usr", Target: "/var/tmp"},
			{Source: "/etc/passwd", Target: "/etc/hosts"},
		}},
		"working directory":            {Rootfs: "/srv/box", Workdir: "/a/b"},
		"working directory, read-only": {Rootfs: "/srv/box", Workdir: deep(maxDepth), ReadOnly: true},
		"working directory, the root":  {Rootfs: "/srv/box", Workdir: "/"},

		"full map":            {Rootfs: "/srv/box", IDs: fullMap(0)},
		"full map, no init":   {IDs: fullMap(0), NoInit: true},
		"keep-id":             {Rootfs: "/srv/box", IDs: callerIs(1000, 1001), User: User{UID: 1000, GID: 1001}},
		"keep-id, full map":   {Rootfs: "/srv/box", IDs: fullMap(1000), User: User{UID: 1000, GID: 1000}},
		"keep-id, but root":   {Rootfs: "/srv/box", IDs: fullMap(1000), User: User{Groups: []uint32{}}},
		"user":                {Rootfs: "/srv/box", IDs: fullMap(0), User: other},
		"user, read-only":     {Rootfs: "/srv/box", IDs: fullMap(0), User: other, ReadOnly: true, Workdir: "/home/x"},
		"user, no groups":     {Rootfs: "/srv/box", IDs: fullMap(0), User: User{UID: 33, GID: 34, Groups: []uint32{}}},
		"user, his groups":    {Rootfs: "/srv/box", IDs: fullMap(0), User: User{UID: 33, GID: 34}},
		"group":               {Rootfs: "/srv/box", IDs: fullMap(0), User: User{GID: 34}},
		"user, no init":       {Rootfs: "/srv/box", IDs: fullMap(0), User: other, NoInit: true},
		"user with a filter":  {Rootfs: "/srv/box", IDs: fullMap(0), User: other, Filter: allowAll, Workdir: "/a", NoInit: true},
		"user at a terminal":  {Rootfs: "/srv/box", IDs: fullMap(0), User: other, Terminal: terminals},
		"user, ambient":       {Rootfs: "/srv/box", IDs: fullMap(0), User: other, Ambient: raw | 1<<unix.CAP_CHOWN},
		"ambient, no init":    {Rootfs: "/srv/box", IDs: fullMap(0), User: other, Ambient: raw, NoInit: true},
		"keep-id and ambient": {Rootfs: "/srv/box", IDs: callerIs(1000, 1000), User: User{UID: 1000, GID: 1000}, Ambient: raw},

		"no capabilities":          {Rootfs: "/srv/box", Capabilities: noCapabilities},
		"no capabilities, no init": {Rootfs: "/srv/box", Capabilities: noCapabilities, NoInit: true},
		"all capabilities":         {Rootfs: "/srv/box", Capabilities: AllCapabilities},
		"filter":                   {Rootfs: "/srv/box", Filter: allowAll},
		"filter, no init":          {Filter: allowAll, NoInit: true},
		"control group":            {Rootfs: "/srv/box", Cgroup: os.Stdin},
		"control group, host":      {Rootfs: "/srv/box", Cgroup: os.Stdin, Network: HostNetwork, IDs: fullMap(0)},
		"limits": {Rootfs: "/srv/box", Limits: []Limit{
			{unix.RLIMIT_CORE, 0, unix.RLIM_INFINITY}, {unix.RLIMIT_NPROC, 10, 20},
		}},
		"limit of open files": {Rootfs: "/srv/box", Limits: []Limit{{unix.RLIMIT_NOFILE, 7, 8}}},
	}
}

// noCapabilities stands for none in specs, where 0 stands for the usual ones: no
// capability has this number.
const noCapabilities = Capabilities(1 << 63)
