package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What should be the directory of a user's records is something else.
func TestForgedStore(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs, elsewhere := busyboxRootfs(t, h.alice), newRuntimeDir(t, h.alice)
	for _, test := range []struct {
		name  string
		make  func(path string) error
		says  string
		hints string
	}{
		{"another user's directory", func(path string) error { return makeFor(h.bob, path, os.Mkdir(path, 0o777)) }, "it belongs to another user", "export XDG_RUNTIME_DIR="},
		{"another user's file", func(path string) error { return makeFor(h.bob, path, os.WriteFile(path, nil, 0o666)) }, "it is not a directory", "export XDG_RUNTIME_DIR="},
		{"another user's FIFO", func(path string) error { return makeFor(h.bob, path, unix.Mkfifo(path, 0o666)) }, "it is not a directory", "export XDG_RUNTIME_DIR="},
		{"another user's link", func(path string) error { return makeFor(h.bob, path, os.Symlink(elsewhere, path)) }, "it is a symbolic link", "export XDG_RUNTIME_DIR="},
		{"a link", func(path string) error { return makeFor(h.alice, path, os.Symlink(elsewhere, path)) }, "it is a symbolic link", "hint: "},
		{"a directory that others can enter", func(path string) error {
			return makeFor(h.alice, path, os.Mkdir(path, 0o755))
		}, "others have access to it", "chmod 700 "},
	} {
		for _, runtime := range []string{"", newRuntimeDir(t, h.alice)} {
			place := map[bool]string{true: recordsOf(h.alice), false: filepath.Join(runtime, "unc")}[runtime == ""]
			if runtime != "" && strings.HasPrefix(test.name, "another") {
				continue // nobody else can make it there
			}
			t.Run(test.name+", "+filepath.Base(place), func(t *testing.T) {
				h := h.with(t)
				must(t, test.make(place))
				t.Cleanup(func() { must(t, os.RemoveAll(place)) })
				before, there := listing(t, place), listing(t, elsewhere)
				asked := func(args ...string) result { return h.run(withRuntime(h.unc(h.alice, args...), runtime)) }
				for _, command := range append([]string{"ps", "ps -aq", "stop -a", "run -d --rootfs / true", "run --rootfs / --name web true"}, aboutOne...) {
					got := asked(argumentsOf(command, "web")...)
					if got.code != 125 || !strings.Contains(got.stderr, test.says) || !strings.Contains(got.stderr, "hint: ") || !strings.Contains(got.stderr, test.hints) {
						t.Errorf("unc %s: exit code %d and %q; want 125, %q and hint %q", command, got.code, got.stderr, test.says, test.hints)
					}
				}
				// A container that nobody will look for goes on.
				got := asked("run", "--rootfs", rootfs, "echo", "hello")
				if got.works(t) != "hello\n" || !strings.Contains(got.stderr, test.says) || !strings.HasPrefix(got.stderr, "unc: warning: ") || !strings.Contains(got.stderr, "\nhint: ") || !strings.Contains(got.stderr, test.hints) {
					t.Errorf("unc run says %q and %q, want a warning with %q and hint %q", got.stdout, got.stderr, test.says, test.hints)
				}
				for dir, was := range map[string]map[string]string{place: before, elsewhere: there} {
					if left := differences(was, listing(t, dir)); len(left) > 0 {
						t.Errorf("the files in %s are not what they were:\n%s", dir, strings.Join(left, "\n"))
					}
				}
			})
		}
	}
}

// makeFor gives somebody what was just made.
func makeFor(u user, path string, err error) error {
	if err == nil {
		err = os.Lchown(path, u.uid, u.gid)
	}
	return err
}

const (
	secret   = "what-only-a-link-leads-to"
	evilText = "\x1b]0;evil\x07\x7f\u009b31m"
)

// forger makes records of a user's that unc has not made, and lies in what it writes there.
type forger struct {
	t       *testing.T
	h       *host
	runtime string
	record  string // of web
	secret  string // a file elsewhere
	victim  int    // a process of the user's, which is no container's
}

func newForger(t *testing.T, h *host) *forger {
	t.Helper()
	f := &forger{t: t, h: h, runtime: newRuntimeDir(t, h.alice), secret: filepath.Join(newDir(t, h.alice), "secret")}
	f.record = filepath.Join(f.runtime, "unc", "web")
	must(t, os.MkdirAll(f.record, 0o700))
	must(t, os.WriteFile(f.secret, []byte(secret+"\n"), 0o644))
	sleep := h.as(h.alice, "sleep", "1000")
	h.start(sleep)
	f.victim = sleep.Process.Pid
	// The process is the victim from the start: the shell executes it.
	eventually(t, "the victim sleeping", func() bool { return statusOf(f.victim)["Name"] == "sleep" })
	return f
}

// spares fails the test unless the victim lives. It is to be deferred: a Cleanup comes after the
// end of what the test has started.
func (f *forger) spares() {
	f.t.Helper()
	if !alive(f.victim) {
		f.t.Error("a process has ended that nothing but the record made a container's")
	}
}

// held makes the record one of a supervisor that lives.
func (f *forger) held() {
	f.t.Helper()
	lock, err := os.Open(f.record)
	must(f.t, err)
	f.t.Cleanup(func() { lock.Close() })
	must(f.t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
}

func (f *forger) write(name, text string) {
	f.t.Helper()
	must(f.t, os.WriteFile(filepath.Join(f.record, name), []byte(text), 0o600))
}

// info writes what a supervisor does, with the victim for both processes.
func (f *forger) info(more string) {
	f.t.Helper()
	f.write("record.json", fmt.Sprintf(`{"name":"web","supervisor":%d,"pid":%d,"created":"2026-01-02T03:04:05Z","command":["sh"],"network":{"kind":"none"},"detached":true%s}`,
		f.victim, f.victim, more))
}

// ask runs a command about web. Whatever it finds, it ends, and writes nothing to a terminal
// that moves it.
func (f *forger) ask(command string) result {
	f.t.Helper()
	begin := time.Now()
	got := f.h.run(withRuntime(f.h.unc(f.h.alice, argumentsOf(command, "web")...), f.runtime))
	if took := time.Since(begin); took > 5*slowness*time.Second {
		f.t.Errorf("unc %s took %v", command, took)
	}
	if shown := got.stdout + got.stderr; strings.ContainsFunc(strings.ReplaceAll(shown, "\n", ""), isControl) {
		f.t.Errorf("unc %s writes control characters: %.300q", command, shown)
	}
	return got
}

// filesOf is what there is in a runtime directory, but for the time at which another record came
// and went: that of who wanted to join the container.
func filesOf(t *testing.T, runtime string) map[string]string {
	t.Helper()
	files := listing(t, runtime)
	delete(files, "unc")
	return files
}

// mustFail are the commands that can't but fail without a supervisor, however the record looks.
var mustFail = []string{
	"attach NAME", "exec NAME true", "exec -d NAME true", "stop NAME", "stop -t 0 NAME", "kill NAME", "kill -s TERM NAME", "rm -f NAME",
	"run --rootfs / --network container:NAME true",
}

// Whatever a record says and is, commands about it end, show nothing that it only points to, write
// nothing to a terminal that moves it, and never send a signal to a process that it names.
func TestForgedRecords(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range []struct {
		name  string
		forge func(f *forger)
		dead  bool // nobody holds it
		gone  bool // so that it is swept
	}{
		{name: "nothing in it", forge: func(*forger) {}},
		{name: "processes of others", forge: func(f *forger) { f.info("") }},
		{name: "processes that can't be", forge: func(f *forger) {
			f.write("record.json", `{"name":"web","supervisor":-1,"pid":-1,"command":["sh"],"network":{"kind":"none"},"detached":true}`)
		}},
		{name: "the record a link", forge: func(f *forger) {
			f.info("")
			must(f.t, os.Rename(filepath.Join(f.record, "record.json"), f.secret+".json"))
			must(f.t, os.Symlink(f.secret+".json", filepath.Join(f.record, "record.json")))
		}},
		{name: "the record a link to a device", forge: func(f *forger) { must(f.t, os.Symlink("/dev/zero", filepath.Join(f.record, "record.json"))) }},
		{name: "the record a FIFO", forge: func(f *forger) { must(f.t, unix.Mkfifo(filepath.Join(f.record, "record.json"), 0o600)) }},
		{name: "the record a directory", forge: func(f *forger) { must(f.t, os.Mkdir(filepath.Join(f.record, "record.json"), 0o700)) }},
		{name: "a huge record", forge: func(f *forger) {
			f.info("")
			must(f.t, os.Truncate(filepath.Join(f.record, "record.json"), 1<<40))
		}},
		{name: "garbage", forge: func(f *forger) { f.write("record.json", evilText+secret) }},
		{name: "half a record", forge: func(f *forger) { f.write("record.json", `{"name":"web","supervisor":1,"pid"`) }},
		{name: "a deep record", forge: func(f *forger) { f.write("record.json", `{"name":"web","labels":`+strings.Repeat("[", 100000)) }},
		{name: "another's record", forge: func(f *forger) {
			f.write("record.json", `{"name":"../../web","supervisor":1,"pid":1,"command":["sh"]}`)
		}},
		{name: "control characters", forge: func(f *forger) {
			f.info(fmt.Sprintf(`,"rootfs":%[1]s,"hostname":%[1]s,"user":%[1]s,"cgroup":%[1]s,"labels":{%[1]s:%[1]s},"network":{"kind":%[1]s,"ports":[{"host":"fe80::1","hostPort":1,"port":80,"protocol":%[1]s}]},"command":["sh",%[1]s]`,
				`"\u001b]0;evil\u0007\u007f\u009b31m"`))
		}},
		{name: "the log a FIFO", forge: func(f *forger) {
			f.info("")
			must(f.t, unix.Mkfifo(filepath.Join(f.record, "log"), 0o600))
		}},
		{name: "the log a link", forge: func(f *forger) {
			f.info("")
			must(f.t, os.Symlink(f.secret, filepath.Join(f.record, "log")))
			must(f.t, os.Symlink(f.secret, filepath.Join(f.record, "log.1")))
		}},
		{name: "a log of nothing that unc writes", forge: func(f *forger) {
			f.info("")
			f.write("log", strings.Repeat("x", 1<<20)+"\n\x00\x1b[2J\n")
		}},
		{name: "the socket a file", forge: func(f *forger) {
			f.info("")
			f.write("control", "")
		}},
		{name: "the socket a FIFO", forge: func(f *forger) {
			f.info("")
			must(f.t, unix.Mkfifo(filepath.Join(f.record, "control"), 0o600))
		}},
		{name: "a container that has ended", dead: true, forge: func(f *forger) { f.info(`,"ended":{"code":-77777,"time":"2026-01-02T03:04:05Z"}`) }},
		{name: "one that was killed", dead: true, gone: true, forge: func(f *forger) { f.info("") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			f := newForger(t, h)
			defer f.spares()
			test.forge(f)
			giveTo(t, h.alice, f.runtime)
			if !test.dead {
				f.held()
			}
			before := filesOf(t, f.runtime)
			for _, command := range slices.Concat(aboutOne, mustFail, []string{"ps", "ps -a", "stop -a -t 0", "kill -a", "rm -fa"}) {
				if strings.HasPrefix(command, "rm ") && test.dead || command == "wait NAME" || command == "logs -f NAME" && !test.dead {
					continue // rm removes it rightly
				}
				got := f.ask(command)
				if got.code != 125 && (got.code != 0 || slices.Contains(mustFail, command)) {
					t.Errorf("unc %s: exit code %d, %q and %q", command, got.code, got.stdout, got.stderr)
				}
				if shown := got.stdout + got.stderr; strings.Contains(shown, secret) {
					t.Errorf("unc %s shows what it should not: %.300q", command, shown)
				}
				if test.gone && command == "ps" {
					if _, err := os.Stat(f.record); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("the record is there after unc ps, %v", err)
					}
				}
			}
			if left := differences(before, filesOf(t, f.runtime)); len(left) > 0 && !test.gone {
				t.Errorf("the files are not what they were:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}
