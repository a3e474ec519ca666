package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// use is what a process takes of the machine.
type use struct{ rss, pss, threads, descriptors int }

func useOf(t *testing.T, pid int) use {
	t.Helper()
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(text, " kB"))
		must(t, err)
		return n
	}
	status := statusOf(pid)
	return use{
		number(status["VmRSS"]), number(readStatus(fmt.Sprintf("/proc/%d/smaps_rollup", pid))["Pss"]),
		number(status["Threads"]), openFiles(t, pid),
	}
}

// TestASupervisorStaysAsItIs however often it is asked, and whoever leaves in the middle of it.
func TestASupervisorStaysAsItIs(t *testing.T) {
	needSpeed(t)
	const times, lanes = 500, 4
	h := newHost(t)
	h.detached(h.alice, busyboxRootfs(t, h.alice), "--name", "web", "-p", "8080:80", "sh", "-c", "nc -ll -p 80 -e echo hello")
	info := h.inspect(h.alice, "web")
	eventually(t, "an answer", func() bool { answer, _ := ask(h, "127.0.0.1:8080"); return answer == "hello\n" })

	script := `unc=$1; n=0
		while [ $n -lt $2 ]; do
			n=$((n+1))
			[ "$("$unc" exec web echo $n)" = $n ] || echo "exec $n" >&2
			"$unc" exec web sh -c 'exit 3'; [ $? = 3 ] || echo "exit code $n" >&2
			"$unc" exec -d web true && "$unc" logs web && "$unc" ps -q && "$unc" inspect --format '' web && "$unc" port web 80 || echo "asked $n" >&2
			"$unc" kill -s WINCH web
			"$unc" exec web nowhere 2>/dev/null; [ $? = 127 ] || echo "no command $n" >&2
			"$unc" wait web & kill -9 $!
			"$unc" exec web sleep 1000 & kill -9 $!
		done >/dev/null
		wait`
	asked := func(n int) {
		t.Helper()
		var all sync.WaitGroup
		for range lanes {
			all.Go(func() {
				got := h.run(h.as(h.alice, "sh", "-c", script, "sh", unc, strconv.Itoa(n/lanes)))
				if got.code != 0 || got.stderr != "" {
					t.Errorf("exit code %d: %.300s", got.code, got.stdout+got.stderr)
				}
			})
		}
		all.Wait()
		for range n {
			if answer, err := ask(h, "127.0.0.1:8080"); answer != "hello\n" {
				t.Fatalf("the published port answers %q, %v", answer, err)
			}
		}
	}
	quiet := func() use {
		t.Helper()
		var now use
		eventually(t, "the supervisor is left alone", func() bool {
			before := now
			now = useOf(t, info.Supervisor)
			return now.descriptors == before.descriptors && len(processesOf(h.alice)) <= 4
		})
		return now
	}
	first := quiet()
	asked(times / 4)
	before := quiet()
	begin := time.Now()
	asked(times)
	after := quiet()
	t.Logf("%d of each in %v; it took %+v at first, %+v when warm, and %+v in the end", times, time.Since(begin), first, before, after)
	for _, test := range []struct {
		name          string
		before, after int
		more          int // may be
	}{
		{"kB resident", before.rss, after.rss, before.rss / 10},
		{"kB proportionally", before.pss, after.pss, before.pss / 10},
		{"threads", before.threads, after.threads, 2},
		{"descriptors since the start", first.descriptors, after.descriptors, 4}, // a pipe or two of the relay's
	} {
		if test.after > test.before+test.more {
			t.Errorf("%d %s, want %d and %d more at most", test.after, test.name, test.before, test.more)
		}
	}
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	h.forgotten(h.alice)
}
