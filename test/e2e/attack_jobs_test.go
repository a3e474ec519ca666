package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"unc/internal/tier"
)

// A shell with job control may start unc in the background: it keeps its terminal,
// and hands it over with fg. dash continues a job that it brings to the foreground
// (SIGCONT), bash only one that is stopped.
func TestInTheBackgroundOfAShell(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, shell := range []string{"dash", "bash --norc --noprofile --noediting"} {
		t.Run(shell, func(t *testing.T) {
			if name, _, _ := strings.Cut(shell, " "); !isInPath(name) {
				tier.Skip(t, "there is no %s", name)
			}
			h := h.with(t)
			rootfs := busyboxRootfs(t, h.alice)
			p := newPty(t, h.alice)
			before := p.mode()
			h.login(p, `unc=$1 rootfs=$2 PS1='% ' `+shell+" -i", rootfs)
			p.expect("% ")
			p.typed(`"$unc" run --rootfs "$rootfs" sh -c 'echo started; ` + untilTold + `echo told; read x; echo "got $x"; exit 7' &` + "\r")
			p.expect("started\r")
			if got := p.mode(); got != before {
				t.Error("the terminal is not the shell's any more")
			}
			p.typed("jobs\r")
			p.expect("Running")
			tell(t, rootfs)
			p.expect("told\r")
			for _, pid := range h.named("unc") {
				if state := statusOf(pid)["State"]; strings.HasPrefix(state, "T") {
					t.Errorf("process %d is stopped", pid)
				}
			}
			p.typed("fg\r")
			if shell == "dash" {
				eventually(t, "the terminal unc's", func() bool { return p.mode() != before })
			} else {
				p.expect("exit 7'\r\n") // it names the job that it gives the terminal to
			}
			p.typed("keys\r")
			p.expect("got keys\r\n")
			p.expect("% ")
			p.typed("echo code=$?\r")
			p.expect("code=7\r\n")
			p.typed("exit\r")
			p.ended(0)
			p.sameMode(before)
		})
	}
}

func isInPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
