package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"unc/internal/tier"
)

// TestExamples: each script in examples gives another tool's container a network,
// and leaves nothing behind. They are what README.md shows.
func TestExamples(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, test := range []struct {
		name, program, runtime string
		argv                   func(t *testing.T, h *host, script string) []string
	}{
		{"bwrap.sh", "bwrap", "", func(_ *testing.T, _ *host, script string) []string {
			return []string{"bwrap.sh", "sh", "-c", script}
		}},
		{"runc.sh", "runc", "runc", bundleOf("runc")},
		// Where the test runs, there may be no control group for the user.
		{"runc.sh", "crun", "crun --cgroup-manager=disabled", bundleOf("crun")},
	} {
		t.Run(test.name+" with "+test.program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(test.program); err != nil {
				tier.Skip(t, "%s is missing: sudo apt-get install %s", test.program, strings.Replace(test.program, "bwrap", "bubblewrap", 1))
			}
			h, lan := newNeighbours(t)
			etc := newPrivate(t, h)
			examples, home := newDir(t, user{}), newDir(t, h.alice)
			for _, name := range []string{"bwrap.sh", "runc.sh"} {
				must(t, copyFile(filepath.Join(examples, name), filepath.Join("../../examples", name), 0o755))
			}
			answering(t, h, "tcp", ":9000", "gateway")
			answering(t, lan, "tcp", at(beyondAddr, 9000), "lan")
			answering(t, lan, "tcp", at(beyondAddr6, 9000), "lan")

			start := func(unc, script string) result {
				argv := test.argv(t, h, script)
				cmd := h.as(h.alice, append([]string{filepath.Join(examples, argv[0])}, argv[1:]...)...)
				cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "UNC="+unc, "RUNTIME="+test.runtime, "TMPDIR="+home, "XDG_RUNTIME_DIR="+home)
				cmd.Stdin = strings.NewReader("from standard input\n")
				// crun takes no mixture of both kinds of control groups, as some machines still have.
				return h.run(withMounts(cmd, `mount --bind "$1" /etc
					[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup`, etc.dir))
			}
			got := start(unc, `cat; cd /
				ip addr show dev eth0; ip route; ip -6 route
				for a in `+gatewayAddr+` `+beyondAddr+` `+beyondAddr6+`; do echo | /bin/busybox nc -w 5 $a 9000; done
				exit 7`)
			if got.code != 7 {
				t.Fatalf("exit code %d, want the command's 7\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
			}
			for _, want := range []string{
				"from standard input\n", "inet 10.100.42.", "inet6 fd", "default via 10.100.42.1 ", "default via fd",
				"gateway 10.100.42.", "lan " + hostAddr + ":", "lan [" + hostAddr6 + "]:",
			} {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("stdout is %q, want %q\nstderr: %s", got.stdout, want, got.stderr)
				}
			}
			// Addresses of the kernel's own go nowhere.
			if strings.Count(got.stdout, "inet6 fe80:") != 1 {
				t.Errorf("stdout is %q, want one link-local address", got.stdout)
			}
			eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })

			// Without a network, there is no container.
			got = start(plain, "echo started")
			if got.code == 0 || strings.Contains(got.stdout, "started") || !strings.Contains(got.stderr, "file capability") {
				t.Errorf("without the file capability: %+v, want what unc says, and no command", got)
			}
			eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("files left: %v, %v", left, err)
			}
		})
	}
}

// bundleOf makes a bundle with busybox in it, as README.md says, for a runtime.
func bundleOf(runtime string) func(t *testing.T, h *host, script string) []string {
	return func(t *testing.T, h *host, script string) []string {
		t.Helper()
		bundle := newDir(t, h.alice)
		must(t, os.Rename(busyboxRootfs(t, h.alice), filepath.Join(bundle, "rootfs")))
		h.run(h.as(h.alice, "sh", "-c", `cd "$1" && exec "$2" spec --rootless`, "sh", bundle, runtime)).works(t)
		config := filepath.Join(bundle, "config.json")
		text, err := os.ReadFile(config)
		must(t, err)
		quoted := strings.NewReplacer("\n", `\n`, "\t", `\t`, `"`, `\"`).Replace(script)
		edited := strings.Replace(string(text), `"sh"`, `"sh", "-c", "`+quoted+`"`, 1)
		edited = strings.Replace(edited, `"terminal": true`, `"terminal": false`, 1)
		must(t, os.WriteFile(config, []byte(edited), 0o644))
		return []string{"runc.sh", bundle, "e2e-" + filepath.Base(bundle)}
	}
}
