package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNginx serves a volume from a system that can't be changed.
func TestNginx(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs, pages, etc, logs := d.debian(databaseServer...), newDir(t, d.alice), newDir(t, d.alice), newDir(t, d.alice)
	page, conf, log := filepath.Join(pages, "index.html"), filepath.Join(etc, "log.conf"), filepath.Join(logs, "access.log")
	must(t, os.WriteFile(page, []byte("first\n"), 0o644))
	must(t, os.WriteFile(conf, []byte("access_log /logs/access.log;\n"), 0o644))
	staysTheSame(t, rootfs, "etc/nginx/conf.d/log.conf", "logs") // where something is mounted
	staysTheSame(t, etc)

	var stderr strings.Builder
	cmd := d.unc("run", "--rootfs", rootfs, "--read-only", "--tmpfs", "/var/log/nginx", "--tmpfs", "/var/lib/nginx", "-p", "8080:80",
		"-v", pages+":/var/www/html:ro", "-v", conf+":/etc/nginx/conf.d/log.conf:ro", "-v", logs+":/logs", "nginx", "-g", "daemon off;")
	cmd.Stderr = &stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("nginx said %q", stderr.String())
		}
	})
	d.start(cmd)
	local, public := "http://127.0.0.1:8080/", "http://"+at(hostAddr, 8080)+"/"
	eventually(t, "nginx answering", func() bool { _, err := get(d.host, local); return err == nil })

	for _, text := range []string{"first\n", "second\n"} {
		must(t, os.WriteFile(page, []byte(text), 0o644))
		for _, from := range []struct {
			name string
			place
			url string
		}{{"the host", d.host, local}, {"the LAN", d.lan, public}, {"the LAN over IPv6", d.lan, "http://" + at(hostAddr6, 8080) + "/"}} {
			if got, err := get(from.place, from.url); err != nil || got != text {
				t.Errorf("from %s: got %q, %v; want %q", from.name, got, err, text)
			}
		}
	}
	if got, err := get(d.lan, public+"nowhere"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a page that is not there: %q, %v; want 404", got, err)
	}
	// Master and workers are different users, both of alice's ids.
	if pids := d.subordinates(); len(pids) == 0 {
		t.Error("no worker has a subordinate id")
	}

	kill(t, cmd.Process.Pid, unix.SIGTERM)
	if code := wait(t, cmd); code != 0 {
		t.Errorf("exit code %d, want nginx's 0", code)
	}
	text, err := os.ReadFile(log)
	must(t, err)
	for _, want := range []string{neighbourAddr + " - - [", neighbourAddr6 + " - - [", `"GET /nowhere HTTP/1.1" 404`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log is %q, want %q", text, want)
		}
	}
	d.nothingLeft()
}

// get asks for a page, from p.
func get(p place, url string) (string, error) {
	client := http.Client{Timeout: inTime, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return dial(p, network, address, inTime)
		},
	}}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return string(text), err
}
