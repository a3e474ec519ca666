package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPostgreSQL keeps a database in a volume, serves it from a container with a name,
// and asks it from another container. What one server wrote, the next one reads.
func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs, dir := d.debian(), newDir(t, d.alice)
	programs, err := filepath.Glob(filepath.Join(rootfs, "usr/lib/postgresql/*/bin"))
	if err != nil || len(programs) != 1 {
		t.Fatalf("there are PostgreSQL's programs in %v, %v; want one place", programs, err)
	}
	bin := strings.TrimPrefix(programs[0], rootfs)
	data, password := filepath.Join(dir, "data"), filepath.Join(dir, "password")
	must(t, os.WriteFile(password, []byte("of a test\n"), 0o644))

	// A directory of the database's own user, whose number only the rootfs knows.
	id := strings.Fields(d.run(d.unc("run", "--rootfs", rootfs, "sh", "-c", "id -u postgres; id -g postgres")).works(t))
	d.run(d.unc("unshare", "install", "-d", "-m", "700", "-o", id[0], "-g", id[1], data)).works(t)
	asPostgres := func(args ...string) []string {
		return append([]string{"run", "--rootfs", rootfs, "-u", "postgres", "-v", data + ":/data"}, args...)
	}
	d.run(d.unc(asPostgres("-v", password+":/run/password:ro",
		bin+"/initdb", "-D", "/data", "--auth=scram-sha-256", "--pwfile=/run/password", "--no-sync")...)).works(t)
	// The file is none that alice herself could write, or read.
	d.run(d.unc("unshare", "sh", "-euc", `echo "host all all samenet scram-sha-256" >>"$1/pg_hba.conf"`, "sh", data)).works(t)

	// It outlives the servers: a connection whose other end is gone before it has been
	// closed on both sides would keep the server's network for a while.
	client := d.open(d.unc("run", "--rootfs", rootfs, "-e", "PGPASSWORD=of a test", "-e", "PGCONNECT_TIMEOUT=10", "sh"))
	query := func(name, sql string) string {
		t.Helper()
		return client.do("psql -h " + name + " -U postgres -v ON_ERROR_STOP=1 -qAtc '" + sql + "'")
	}
	serve := func(name string) (stop func()) {
		t.Helper()
		log := filepath.Join(dir, name+".log")
		stderr, err := os.Create(log)
		must(t, err)
		defer stderr.Close()
		cmd := d.unc(asPostgres("--name", name, bin+"/postgres", "-D", "/data", "-c", "listen_addresses=*", "-c", "fsync=off",
			"-c", "unix_socket_directories=/tmp")...)
		cmd.Stderr = stderr
		t.Cleanup(func() {
			if text, _ := os.ReadFile(log); t.Failed() {
				t.Logf("the server %s said:\n%s", name, text)
			}
		})
		d.start(cmd)
		eventually(t, "the server ready", func() bool {
			text, _ := os.ReadFile(log)
			return bytes.Contains(text, []byte("database system is ready to accept connections"))
		})
		return func() {
			t.Helper()
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			if code := wait(t, cmd); code != 0 {
				t.Errorf("exit code %d, want the server's 0", code)
			}
		}
	}

	stop := serve("db")
	query("db", "create table numbers as select n from generate_series(1, 1000) n")
	if got := query("db", "select sum(n), inet_client_addr() <> inet_server_addr() from numbers"); got != "500500|t\n" {
		t.Errorf("got %q, want the sum, asked from another address", got)
	}
	stop()
	stop = serve("database")
	if got := query("database", "select count(*) from numbers"); got != "1000\n" {
		t.Errorf("the next server has %q rows, want 1000", got)
	}
	stop()
	client.end()
	d.nothingLeft()
}
