package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTwoHundredDetached: at the same time, each of which finds the others by name.
func TestTwoHundredDetached(t *testing.T) {
	needSpeed(t)
	const containers, lanes = 200, 4
	h := newHost(t)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PER_USER=250")
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	called := func(n int) string { return fmt.Sprintf("box-%03d", n) }
	t.Cleanup(func() {
		if t.Failed() {
			h.run(h.unc(h.alice, "rm", "-fa"))
		}
	})

	begin := time.Now()
	script := `unc=$1; n=$2
		while [ $n -lt $3 ]; do
			name=$(printf box-%03d $n)
			"$unc" run -d --name $name --rootfs "$5" sleep 1000 || exit
			n=$((n+$4))
		done`
	var starting sync.WaitGroup
	started := make([]result, lanes)
	for lane := range lanes {
		starting.Go(func() {
			started[lane] = h.run(etc.mounted(h.as(h.alice, "sh", "-c", script, "sh", unc, strconv.Itoa(lane), strconv.Itoa(containers), strconv.Itoa(lanes), rootfs)))
		})
	}
	starting.Wait()
	var all []string
	for _, got := range started {
		all = append(all, strings.Fields(got.works(t))...)
	}
	slices.Sort(all)
	t.Logf("%d started in %v", len(all), time.Since(begin))
	if listed := strings.Fields(h.run(h.unc(h.alice, "ps", "-q")).works(t)); len(listed) != containers || !slices.Equal(listed, all) {
		t.Errorf("unc ps lists %d: %v; want the %d that were started", len(listed), listed, containers)
	}
	if n := len(h.leases()); n != containers {
		t.Errorf("%d leases, want %d", n, containers)
	}

	// As one of them is told by its resolver, and as they say themselves.
	want := map[string]string{}
	for line := range strings.Lines(h.run(h.unc(h.alice, "ps", "--format", "{{.Name}} {{.Address}}")).works(t)) {
		name, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[name] = address
	}
	begin = time.Now()
	found := h.run(h.unc(h.alice, "exec", called(17), "sh", "-c", `
		n=0
		while [ $n -lt $1 ]; do
			name=$(printf box-%03d $n)
			set -- $1 $(nslookup -type=a $name. 127.0.0.11 | tail -n +3)
			for word; do case $word in 10.100.*) echo $name $word;; esac; done
			n=$((n+1))
		done
		ping -c 1 -W 5 box-199 >/dev/null`, "sh", strconv.Itoa(containers))).works(t)
	got := map[string]string{}
	for line := range strings.Lines(found) {
		name, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[name] = address
	}
	if wrong := differences(want, got); len(wrong) > 0 || len(want) != containers {
		t.Errorf("names lead elsewhere than to their containers:\n%s", strings.Join(wrong, "\n"))
	}
	t.Logf("each found by name in %v", time.Since(begin))

	begin = time.Now()
	if n := len(strings.Fields(h.run(h.unc(h.alice, "stop", "--all")).works(t))); n != containers {
		t.Errorf("unc stop says %d names, want %d", n, containers)
	}
	took := time.Since(begin)
	t.Logf("all stopped in %v", took)
	if took > 10*slowness*time.Second {
		t.Errorf("unc stop --all took %v, which is when it kills", took)
	}
	h.forgotten(h.alice)
	h.nothingLeft()
}
