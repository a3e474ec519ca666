package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mixOfContainers are flags and commands of run, for a shell, and how they end. The
// shell is in a rootfs; $N is another number each time.
var mixOfContainers = []struct {
	args string
	code int
}{
	{`true`, 0},
	{`--rootfs . true`, 0},
	{`--rootfs . -x touch /etc/made /root/made`, 0},
	{`--rootfs . --read-only --tmpfs /opt -v "$VOLUME":/opt/data:ro sh -c 'echo x >/opt/x && cat /opt/data/file >/dev/null'`, 0},
	{`--rootfs . -v "$VOLUME":/open -w /open --name box-$N sh -c "echo x >made.$N && rm made.$N"`, 0},
	{`--rootfs . -u carol --cap-add NET_RAW --cap-drop KILL sh -c "touch /open/made.$N && rm /open/made.$N"`, 0},
	{`--rootfs . --userns=keep-id --no-init -e A=b --env-file "$VOLUME/file" --hostname box true`, 0},
	{`--rootfs . --userns=single -u 5:6 --security-opt seccomp="$PROFILE" --ulimit nofile=100 -p 80 true`, 0},
	{`--rootfs . --network none --device /dev/null:/dev/other sh -c 'kill -9 $$'`, 137},
	{`--rootfs . --network host --cap-add ALL sh -c '(setsid sleep 1000 &); exit 3'`, 3},
	{`--rootfs . nowhere-at-all`, 127},
	{`--rootfs . -u nobody-at-all true`, 125},
	{`-w /nowhere/new --tmpfs /srv:size=1m,mode=700 --add-host a:192.0.2.1 --dns 192.0.2.2 true`, 0},
}

// TestAThousandContainersLeaveNothing looks at files and control groups; all else that a
// host is compared by, newDistro compares.
func TestAThousandContainersLeaveNothing(t *testing.T) {
	needSpeed(t)
	const containers, shells = 1000, 4
	d := newDistro(t)
	rootfs, volume, profile := rootfsWithUsers(t, d.alice), newVolume(t, d.alice, "file"), d.profile(refusesDirectories)
	must(t, os.WriteFile(filepath.Join(volume, "file"), []byte("A=b\n"), 0o644))
	must(t, mkdir(filepath.Join(rootfs, "opt")))
	giveTo(t, d.alice, filepath.Join(rootfs, "opt"))
	// Of "open" only the time of change is another afterwards.
	for _, dir := range []string{"bin", "dev", "etc", "opt", "proc", "root", "sys", "tmp"} {
		staysTheSame(t, filepath.Join(rootfs, dir))
	}
	d.run(d.unc("run", "true")).works(t) // what stays with the first one
	leavesNothing(t, d.alice)

	var script strings.Builder
	fmt.Fprintf(&script, `unc=$1 VOLUME=$2 PROFILE=$3
		cd "$4"
		ended() { [ $1 = $2 ] || echo "container $N: exit code $1, want $2: $said"; }
		`)
	for shell := range shells {
		script.WriteString("{\n")
		for n := shell; n < containers; n += shells {
			c := mixOfContainers[n%len(mixOfContainers)]
			fmt.Fprintf(&script, "N=%d; said=$(\"$unc\" run %s 2>&1); ended $? %d\n", n, c.args, c.code)
		}
		script.WriteString("} &\n")
	}
	script.WriteString("wait")
	file := filepath.Join(newDir(t, user{}), "script")
	must(t, os.WriteFile(file, []byte(script.String()), 0o644))

	begin := time.Now()
	got := d.run(d.etc.mounted(d.as(d.alice, "sh", file, unc, volume, profile, rootfs)))
	if all := got.works(t) + got.stderr; all != "" {
		t.Errorf("%d of %d did not end as they should: %.1000s", strings.Count(all, "exit code"), containers, all)
	}
	t.Logf("%d containers in %v", containers, time.Since(begin)) // patience is the limit
	eventually(t, "no lease left", func() bool { return len(d.leases()) == 0 })
	d.nothingLeft()
	for dir, want := range map[string]int{filepath.Join(rootfs, "open"): 0, volume: 1} {
		if files := listing(t, dir); len(files) != 1+want { // and itself
			t.Errorf("%s holds %v, want %d files", dir, files, want)
		}
	}
}
