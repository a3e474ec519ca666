package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNginxsLife is that of a server that is left running: it serves, is entered, told to read its
// configuration again, asked what it has written, killed, started again and stopped.
func TestNginxsLife(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs, pages, etc := d.debian(databaseServer...), newDir(t, d.alice), newDir(t, d.alice)
	must(t, os.WriteFile(filepath.Join(pages, "index.html"), []byte("page\n"), 0o644))
	conf := filepath.Join(etc, "site.conf")
	configure := func(answer string) {
		t.Helper()
		must(t, os.WriteFile(conf, fmt.Appendf(nil, "access_log /dev/stdout;\nerror_log /dev/stderr;\nserver { listen 81; location / { return 200 '%s'; } }\n", answer), 0o644))
	}
	configure("first")
	url, second := "http://127.0.0.1:8080/", "http://"+at(hostAddr, 8081)+"/"
	asked := func(args ...string) string {
		t.Helper()
		return d.run(d.unc(args...)).works(t)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, pid := range processesOf(d.alice) {
				kill(t, pid, unix.SIGKILL)
			}
		}
	})
	serve := func() (info infoOf) {
		t.Helper()
		if got := asked("run", "-d", "--name", "web", "--rootfs", rootfs, "--read-only", "--tmpfs", "/var/log/nginx", "--tmpfs", "/var/lib/nginx", "--tmpfs", "/run",
			"-p", "8080:80", "-p", "8081:81", "-v", pages+":/var/www/html:ro", "-v", etc+":/etc/nginx/conf.d:ro", "nginx", "-g", "daemon off;"); got != "web\n" {
			t.Fatalf("unc run says %q, want the name", got)
		}
		eventually(t, "nginx answering", func() bool { got, err := get(d.host, url); return err == nil && got == "page\n" })
		eventually(t, "nginx answering the LAN", func() bool { _, err := get(d.lan, second); return err == nil })
		return d.host.inspect(d.alice, "web")
	}
	info := serve()

	// It opens its output anew, which has to be alice's for that and not the test's (proc_pid_fd(5)).
	inside := d.run(d.etc.mounted(d.as(d.alice, "sh", "-c", `"$@" 2>&1 | cat`, "sh", unc, "exec", "web", "nginx", "-t"))).works(t)
	if !strings.Contains(inside, "test is successful") {
		t.Errorf("nginx -t in the container says %q", inside)
	}
	configure("second")
	asked("kill", "-s", "HUP", "web")
	eventually(t, "the new configuration", func() bool { got, _ := get(d.lan, second); return got == "second" })
	if now := d.host.inspect(d.alice, "web"); now != info {
		t.Errorf("after a reload it is %+v, want %+v", now, info)
	}
	eventually(t, "the requests logged", func() bool {
		logs := asked("logs", "web")
		return strings.Contains(logs, `"GET / HTTP/1.1" 200`) && strings.Contains(logs, neighbourAddr+" - - [")
	})

	// A client on the LAN is in the middle of it when the supervisor is killed.
	conn, err := dial(d.lan, "tcp", at(hostAddr, 8081), inTime)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: web\r\n\r\n")
	must(t, err)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("the server says %q, %v", line, err)
	}
	kill(t, info.Supervisor, unix.SIGKILL)
	again := serve() // at once
	if again.Supervisor == info.Supervisor {
		t.Errorf("the supervisor is still %d", info.Supervisor)
	}
	if n := len(d.leases()); n != 1 {
		t.Errorf("%d leases, want the new one's alone", n)
	}

	for _, args := range [][]string{{"stop", "web"}, {"stop", "-s", "QUIT", "web"}} {
		begin := time.Now()
		if got := asked(args...); got != "web\n" {
			t.Errorf("unc %v says %q", args, got)
		}
		if took := time.Since(begin); took > 5*slowness*time.Second {
			t.Errorf("unc %v took %v of a server that ends at once", args, took)
		}
		if _, err := get(d.host, url); err == nil {
			t.Error("it still answers")
		}
		if args[1] == "web" {
			serve()
		}
	}
	d.host.forgotten(d.alice)
	d.nothingLeft()
}
