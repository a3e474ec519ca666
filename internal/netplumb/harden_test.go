package netplumb

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

func TestHarden(t *testing.T) {
	for _, test := range []struct {
		name, limits string
		files        uint64
		err          string
	}{
		{"ordinary limits", "1024 4096", 1024, ""},
		{"a soft limit too small", "20 4096", 64, ""},
		{"the smallest hard limit", "20 64", 64, ""},
		{"a hard limit too small", "20 63", 20, "net-setup needs 64 open files, the limit is 63"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := hardenedChild(t, test.limits)
			want := hardened{Dir: "/", Umask: 0o077, Open: []int{0, 1, 2}, Files: test.files, Error: test.err}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the child (-want +got):\n%s", diff)
			}
		})
	}
}

// hardenedChild starts a child with all that a hostile caller can give it.
func hardenedChild(t *testing.T, limits string) hardened {
	t.Helper()
	secret, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	// A pipe that is non-blocking already stays so when it is handed over.
	var in [2]int
	if err := unix.Pipe2(in[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	stdin, w := os.NewFile(uintptr(in[0]), "stdin"), os.NewFile(uintptr(in[1]), "to the child")
	defer stdin.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{
		childVariable + "=harden", limitsVariable + "=" + limits, noRaceSleep, "GODEBUG=madvdontneed=1", "TZ=../../etc/shadow", "PATH=.",
	}
	cmd.Dir = t.TempDir()
	cmd.ExtraFiles = []*os.File{secret, stdin, w}
	cmd.Stdin = stdin
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stdout)
	line, err := r.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the child's report: %v", err)
	}
	var h hardened
	if err := json.Unmarshal(line, &h); err != nil {
		t.Fatalf("the child's report %q: %v", line, err)
	}
	if _, err := io.WriteString(w, "awake"); err != nil {
		t.Error(err)
	}
	w.Close()
	if echoed, err := io.ReadAll(r); string(echoed) != "awake" || err != nil {
		t.Errorf("got %q, %v from the child, want what it was sent", echoed, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
	return h
}
