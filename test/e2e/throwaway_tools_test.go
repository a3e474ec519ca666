package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// systemProgram is where this machine's own system has a program: the one of PATH, or
// the usual one. What is in a person's home is in no container. What test/vm leaves
// out of its machine is named in UNC_WITHOUT, and no failure.
func systemProgram(t *testing.T, usual, get string) string {
	t.Helper()
	name := filepath.Base(usual)
	if slices.Contains(strings.Fields(os.Getenv("UNC_WITHOUT")), name) {
		t.Skipf("this machine is made without %s (UNC_WITHOUT)", name)
	}
	found, _ := exec.LookPath(name)
	for _, path := range []string{found, usual} {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil && (strings.HasPrefix(resolved, "/usr/") || strings.HasPrefix(resolved, "/opt/")) {
			return path
		}
	}
	tier.Skip(t, "%s is missing: %s", usual, get)
	return ""
}

// TestPythonInAThrowAwaySystem uses what comes with Python that asks most of a system.
func TestPythonInAThrowAwaySystem(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	python := systemProgram(t, "/usr/bin/python3", "sudo apt-get install python3")
	for _, test := range []struct{ name, script, want string }{
		{"a database", `
import sqlite3
db = sqlite3.connect("/tmp/numbers.db")
db.execute("pragma journal_mode = wal")
db.execute("create table numbers (n)")
db.executemany("insert into numbers values (?)", ((n,) for n in range(1000)))
db.commit()
print(sqlite3.connect("/tmp/numbers.db").execute("select sum(n) from numbers").fetchone()[0])`, "499500\n"},
		{"processes that share a lock and memory", `
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Lock, shared_memory
memory = shared_memory.SharedMemory(create=True, size=16)
lock = Lock()
def work(n):
    with lock:
        memory.buf[0] += n
    return n * n
with ProcessPoolExecutor(4) as pool:
    print(sum(pool.map(work, range(10))), memory.buf[0])
memory.close(); memory.unlink()`, "285 45\n"},
		{"encryption", `
import hashlib, ssl, secrets
print(ssl.create_default_context().check_hostname, len(secrets.token_bytes(32)), hashlib.sha256(b"unc").hexdigest()[:8])`, "True 32 "},
		{"other programs and a terminal", `
import os, pty, subprocess
print(subprocess.run(["sh", "-c", "cat; exit 3"], input=b"text\n", stdout=subprocess.PIPE))
master, slave = pty.openpty()
subprocess.run(["sh", "-c", "[ -t 1 ] && tty"], stdin=slave, stdout=slave)
print(os.read(master, 100))`, "CompletedProcess(args=['sh', '-c', 'cat; exit 3'], returncode=3, stdout=b'text\\n')\nb'/dev/pts/0\\r\\n'\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			if got := h.run(h.unc(h.alice, "run", python, "-c", test.script)).works(t); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("a server of a volume", func(t *testing.T) {
		pages := newDir(t, h.alice)
		must(t, os.WriteFile(filepath.Join(pages, "page"), []byte("text\n"), 0o644))
		cmd := h.unc(h.alice, "run", "-p", "8000:8000", "-v", pages+":/pages:ro", "-w", "/pages", python, "-m", "http.server", "8000")
		h.start(cmd)
		url := "http://" + at(hostAddr, 8000) + "/page"
		eventually(t, "the server answering", func() bool { _, err := get(lan, url); return err == nil })
		for _, from := range []place{h, lan} {
			if got, err := get(from, url); err != nil || got != "text\n" {
				t.Errorf("got %q, %v; want the page", got, err)
			}
		}
		// Python turns an interrupt into an exception and leaves well.
		kill(t, cmd.Process.Pid, unix.SIGINT)
		if code := wait(t, cmd); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		h.nothingLeft()
	})
}

// TestGoInAThrowAwaySystem builds a program, with its source and the compiler's
// cache in volumes. What is built runs on the host.
func TestGoInAThrowAwaySystem(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	compiler := systemProgram(t, "/usr/local/go/bin/go", "see https://go.dev/doc/install")
	source, cache := newDir(t, h.alice), newDir(t, h.alice)
	must(t, os.WriteFile(filepath.Join(source, "go.mod"), []byte("module hello\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(source, "main.go"), []byte("package main\n\nfunc main() { println(\"hello from Go\") }\n"), 0o644))
	giveTo(t, h.alice, source)
	args := []string{
		"run", "--network", "none", "-v", source + ":/src", "-v", cache + ":/cache", "-w", "/src",
		"-e", "GOCACHE=/cache", "-e", "GOPROXY=off", "-e", "GOTOOLCHAIN=local", "-e", "GOFLAGS=-buildvcs=false", "-e", "CGO_ENABLED=0",
		compiler,
	}
	h.run(h.unc(h.alice, append(args, "build", "-o", "hello", ".")...)).works(t)
	got := h.run(h.as(h.alice, filepath.Join(source, "hello")))
	if got.works(t); got.stderr != "hello from Go\n" {
		t.Errorf("the program printed %q", got.stderr)
	}
	if got := listing(t, source)["hello"]; !strings.Contains(got, owner(h.alice)) {
		t.Errorf("the program is %q, want alice's", got)
	}
	// From the cache of the first container.
	if got := h.run(h.unc(h.alice, append(args, "build", "-x", "-o", "again", ".")...)); got.works(t) != "" || strings.Contains(got.stderr, "/compile ") {
		t.Errorf("the second build compiled again: %q", got.stderr)
	}
}
