package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mixOfDetached are flags of run -d, for a shell in a rootfs. $N is another number each time.
var mixOfDetached = []string{
	`--network none`,
	``,
	`--network none -x --hostname box`,
	`-p $((20000+N)):80 -p $((20000+N)):53/udp`,
	`--network none --ulimit nofile=100 --ulimit core=0 --read-only --tmpfs /opt:size=1m`,
	`-t -e A=b`,
	`--network none -i --log-opt max-size=64k`,
	`--network host --label a=b`,
	`--network none --userns=single --cap-drop all`,
}

// TestAThousandCycles: of a container that is started, entered and stopped, and of which nothing
// is left.
func TestAThousandCycles(t *testing.T) {
	needSpeed(t)
	const cycles, shells = 1000, 4
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	must(t, mkdir(filepath.Join(rootfs, "opt")))
	giveTo(t, h.alice, rootfs)
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true")).works(t) // what stays with the first one
	staysTheSame(t, rootfs)
	leavesNothing(t, h.alice)

	var script strings.Builder
	fmt.Fprintf(&script, `unc=$1
		cd "$2"
		ended() { [ "$1" = "$2" ] || echo "cycle $N: $3: $1, want $2"; }
		`)
	for shell := range shells {
		script.WriteString("{\n")
		for n := shell; n < cycles; n += shells {
			flags := mixOfDetached[n%len(mixOfDetached)]
			fmt.Fprintf(&script, `N=%d
				ended "$("$unc" run -d --name box-$N --rootfs . %s sleep 1000 2>&1)" box-$N run
				ended "$("$unc" exec box-$N echo $N 2>&1)" $N exec
				ended "$("$unc" stop box-$N 2>&1)" box-$N stop
				`, n, flags)
		}
		script.WriteString("} &\n")
	}
	script.WriteString("wait")
	file := filepath.Join(newDir(t, user{}), "script")
	must(t, os.WriteFile(file, []byte(script.String()), 0o644))

	begin := time.Now()
	got := h.run(h.as(h.alice, "sh", file, unc, rootfs))
	if all := got.works(t) + got.stderr; all != "" {
		t.Errorf("%d did not go as they should: %.1000s", strings.Count(all, "want"), all)
	}
	t.Logf("%d cycles in %v", cycles, time.Since(begin)) // patience is the limit
	h.forgotten(h.alice)
	h.nothingLeft()
}
