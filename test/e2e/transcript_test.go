package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	addressOnSubnet = regexp.MustCompile(`inet (10\.100\.42\.\d+)/24 `)
	defaultRoute    = "default via 10.100.42.1 dev eth0"
)

func TestThrowAwaySystemFromAnyDirectory(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootOnly := newDir(t, user{})
	h.root(`chmod 700 "$1"`, rootOnly)
	for name, dir := range map[string]string{
		"the root directory":      "/",
		"an empty directory":      emptyDir,
		"one's own directory":     newDir(t, h.alice),
		"one that can't be read":  rootOnly,
		"half a root file system": halfRootfs(t, h.alice),
	} {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, "run", "sh", "-c", "ip addr show eth0 && ip route && pwd && id -u && id -g")
			cmd.Dir = dir
			got := h.run(cmd).works(t)
			if !addressOnSubnet.MatchString(got) || !strings.Contains(got, defaultRoute) {
				t.Errorf("got %q, want an address on 10.100.42.0/24 and a default route", got)
			}
			if !strings.HasSuffix(got, "/\n0\n0\n") {
				t.Errorf("got %q, want root in the root directory", got)
			}
		})
	}
}

// halfRootfs has the directories of a root file system, but no command in it.
func halfRootfs(t *testing.T, u user) string {
	t.Helper()
	dir := newDir(t, u)
	for _, name := range []string{"/proc", "/dev"} {
		must(t, mkdir(dir+name))
	}
	return dir
}

func TestSecondContainerPingsTheFirst(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)

	first := h.unc(h.alice, "run", "sh")
	first.Dir = rootfs
	one := h.open(first)
	found := addressOnSubnet.FindStringSubmatch(one.do("ip a"))
	if found == nil {
		t.Fatal("the first container has no address")
	}
	second := h.unc(h.alice, "run", "ping", "-c", "1", found[1])
	second.Dir = rootfs
	if got := h.run(second).works(t); !strings.Contains(got, "1 packets received") {
		t.Errorf("got %q, want 1 packets received", got)
	}
	if code := one.end(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestTheFirstCommandIsOnTheNetworkAtOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	// One packet and no second try: the bridge forwards from the start.
	for range 10 {
		h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "ping", "-c", "1", "-W", "5", "10.100.42.1")).works(t)
	}
}

const (
	readme     = "../../README.md"
	containers = "../../docs/containers.md"
)

// transcripts are those that the files show, in their order: a word of each, and where somebody
// sits who follows them, one after the other.
var transcripts = []struct {
	name, file string
	has        []string
	sit        func(t *testing.T) *desk // nil: another test does
}{
	{"installing", readme, []string{"./install.sh"}, nil}, // test/install_test.sh
	{"system", readme, []string{"ip addr show eth0"}, withBusybox},
	{"a server's life", readme, []string{"unc run -d --name web", "unc exec web sh", "unc stop web", "unc ps -a"}, withBusybox},
	{"removing", readme, []string{"./install.sh --uninstall"}, nil}, // test/install_test.sh
	{"rootfs", readme, []string{"unc run ping"}, withBusybox},
	{"files and limits", readme, []string{"--read-only"}, withBusybox},
	{"distribution", readme, []string{"apt-get"}, withDebian},
	{"a network alone", readme, []string{"unc net-setup"}, nil}, // TestExamples has scripts that do

	{"names", containers, []string{"unc run -d sleep"}, withBusybox},
	{"what runs", containers, []string{"unc ps", "unc inspect"}, withBusybox},
	{"what it has written", containers, []string{"unc logs -t"}, withBusybox},
	{"one more command", containers, []string{"unc exec -u"}, withBusybox},
	{"failing", containers, []string{"unc wait"}, withBusybox},
	{"being killed", containers, []string{"kill -9"}, withBusybox},
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	needRoot(t)
	shown := map[string][]string{}
	for _, file := range []string{readme, containers} {
		text, err := os.ReadFile(file)
		must(t, err)
		for _, block := range codeBlocks(string(text)) {
			if strings.HasPrefix(block, "$ ") {
				shown[file] = append(shown[file], block)
			}
		}
	}
	for _, part := range transcripts {
		n := len(part.has)
		if len(shown[part.file]) < n {
			t.Fatalf("%s has no transcripts with %q", part.file, part.has)
		}
		blocks := shown[part.file][:n]
		shown[part.file] = shown[part.file][n:]
		for i, word := range part.has {
			if !strings.Contains(blocks[i], word) {
				t.Fatalf("%s goes on with\n%s\nwant the transcript with %q", part.file, blocks[i], word)
			}
		}
		if part.sit == nil {
			continue
		}
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			desk := part.sit(t)
			desk.file = part.file
			for _, step := range steps(t, strings.Join(blocks, "")) {
				desk.do(step)
			}
			desk.leave()
		})
	}
	for file, blocks := range shown {
		if len(blocks) > 0 {
			t.Errorf("%s ends with transcripts that nobody follows: %q", file, blocks)
		}
	}
}

// withBusybox is a desk in a directory beside the root file system that README.md lists.
func withBusybox(t *testing.T) *desk {
	t.Helper()
	h, lan := newNeighbours(t)
	home := newDir(t, h.alice)
	makeBusybox(t, h.alice, filepath.Join(home, "busybox"))
	return &desk{h: h, lan: lan, etc: newPrivate(t, h), dir: home, real: map[string]string{}}
}

// withDebian is a desk of somebody's who has subordinate ids, beside a Debian system and
// a directory of packages.
func withDebian(t *testing.T) *desk {
	t.Helper()
	d := newDistro(t)
	home := filepath.Dir(d.debian(databaseServer...))
	must(t, os.Rename(packages(t), filepath.Join(home, "packages")))
	return &desk{h: d.host, lan: d.lan, etc: d.etc, dir: home, real: map[string]string{}}
}

// makeBusybox makes the root file system that README.md lists.
func makeBusybox(t *testing.T, u user, dir string) {
	t.Helper()
	must(t, os.Rename(busyboxRootfs(t, u), dir))
	for _, name := range []string{"root", "sys", "tmp"} {
		must(t, os.Remove(filepath.Join(dir, name)))
	}
}

// codeBlocks are the fenced blocks of a Markdown text, without the fences.
func codeBlocks(text string) []string {
	var blocks []string
	for i, part := range strings.Split("\n"+text, "\n```") {
		if i%2 == 1 {
			_, block, _ := strings.Cut(part, "\n") // the name of a language
			blocks = append(blocks, block+"\n")
		}
	}
	return blocks
}

// step is something typed at a prompt, and what is printed then.
type step struct {
	inside  bool // at the prompt of a container's shell
	command string
	where   string // it is typed, when a comment says that it is elsewhere
	want    string
}

// anotherMachine is the one place that makes a difference.
const anotherMachine = "another machine"

var prompt = regexp.MustCompile(`^(\$|#|/ #) (.*?)(?:\s+# (one terminal|another terminal|` + anotherMachine + `))?$`)

func steps(t *testing.T, block string) []step {
	t.Helper()
	var list []step
	for line := range strings.Lines(block) {
		switch found := prompt.FindStringSubmatch(strings.TrimSuffix(line, "\n")); {
		case found != nil:
			list = append(list, step{inside: found[1] != "$", command: found[2], where: found[3]})
		case len(list) == 0:
			t.Fatalf("a transcript begins with %q, and not with a prompt", line)
		default:
			list[len(list)-1].want += line
		}
	}
	return list
}

// desk is where somebody follows a transcript: alice, in front of a few terminals.
type desk struct {
	h, lan *host
	etc    private
	file   string            // that the transcript is in
	dir    string            // where her shell is
	real   map[string]string // what stands for what the transcript has, as addresses do

	shell  *session   // the container's that has been opened last
	shells []*session // all of them
}

// do does one step.
func (d *desk) do(s step) {
	t := d.h.t
	t.Helper()
	command := variable.ReplaceAllStringFunc(s.command, func(word string) string {
		if now, known := d.real[word]; known {
			return now
		}
		return word
	})
	var got string
	switch {
	case s.inside && d.shell == nil:
		t.Fatalf("%q is typed into no container", command)
	case s.inside:
		got, _ = d.shell.try(command) // what fails says why, and that is compared
	case opensShell.MatchString(command):
		d.shell = d.h.open(d.outside(d.h, "exec "+command))
		d.shells = append(d.shells, d.shell)
	case s.where == anotherMachine:
		got = d.lan.run(d.outside(d.lan, command)).works(t)
	case looks.MatchString(command):
		// What a container does takes a moment, and longer than a test does to look.
		lookUntil(deadline, func() bool {
			got = d.typed(command)
			return d.isAsShown(s, got)
		})
	default:
		// Links of containers that have ended go a moment later.
		eventually(t, "only the links of those that run", func() bool {
			running := d.typed("unc ps --format '{{.Address}}'")
			return len(d.h.leases()) == len(strings.Fields(running))
		})
		got = d.typed(command)
		if strings.Contains(command, "httpd") && strings.Contains(command, " -p ") {
			eventually(t, command+" listens at port 80", func() bool { return listensInside(d.h.alice, 80) })
		}
	}
	if !d.isAsShown(s, got) {
		want, have := d.compared(s, got)
		t.Errorf("%s prints\n%s\nwhere %s has\n%s\n(compared: %q\nwith %q)", command, got, d.file, s.want, have, want)
	}
}

var (
	opensShell = regexp.MustCompile(`^unc (run|exec) .*\bsh$`)
	looks      = regexp.MustCompile(`^unc (ps|logs|inspect|port|net)\b`)
)

// typed is what alice's shell prints when she types a command, errors and all. It stays in the
// directory that the command leaves it in.
func (d *desk) typed(command string) string {
	d.h.t.Helper()
	got := d.h.run(d.outside(d.h, "{ "+command+"\n} 2>&1; pwd >&2"))
	d.dir = strings.TrimSpace(got.stderr)
	return got.works(d.h.t)
}

// outside prepares a script that alice's shell is to run.
func (d *desk) outside(at *host, script string) *exec.Cmd {
	cmd := at.as(d.h.alice, "sh", "-uc", script)
	cmd.Dir = d.dir
	cmd.Env = []string{"PATH=" + filepath.Dir(unc) + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	return withMounts(cmd, `mount --bind "$1" /etc`, d.etc.dir)
}

// leave ends all that has been started.
func (d *desk) leave() {
	d.typed("unc rm --all --force")
	for _, s := range d.shells {
		s.end()
	}
}

// kinds are those of what another time is another: addresses, interface numbers, ports of clients,
// times, names that unc has made up.
var kinds = []string{
	`10\.100\.42\.(?:[2-9]|[0-9]{2,3})\b`,
	`fd[0-9a-f]{2}(?::[0-9a-f]{1,4}){3}::[0-9a-f]+`,
	`fe80::[0-9a-f]+`,
	`02:75:0a:64:2a:[0-9a-f]{2}`,
	`\bif[0-9]+\b`,
	`\b[0-9]+\.[0-9]{3}\b`,
	`\]:[0-9]+\b`,
	`\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`,
	`\b[a-z]{3,9}-[a-z]{3,9}\b`,
}

var variable = regexp.MustCompile(strings.Join(kinds, "|"))

// sameKind finds in word what is of the same kind as shown.
func sameKind(shown, word string) string {
	for _, kind := range kinds {
		if re := regexp.MustCompile(kind); re.MatchString(shown) {
			return re.FindString(word)
		}
	}
	return ""
}

// isAsShown tells whether got is what the transcript shows: in the same
// words, but for what is another each time, which must be of the same kind, and
// the same again wherever the transcript repeats it, and nowhere else.
func (d *desk) isAsShown(s step, got string) bool {
	before := maps.Clone(d.real)
	want, have := d.compared(s, got)
	if !slices.Equal(want, have) {
		d.real = before
		return false
	}
	return true
}

// compared are the words that are wanted, with what stands for some of them here, and those that there are.
func (d *desk) compared(s step, got string) (want, have []string) {
	want, have = words(s.want), words(got)
	if len(want) != len(have) {
		return want, have
	}
	for i := range want {
		want[i] = variable.ReplaceAllStringFunc(want[i], func(shown string) string {
			now, known := d.real[shown]
			if !known {
				now = sameKind(shown, have[i])
				if slices.Contains(slices.Collect(maps.Values(d.real)), now) {
					return shown // that stands for another
				}
				d.real[shown] = now
			}
			return now
		})
	}
	return want, have
}

var ago = regexp.MustCompile(`\b[0-9]+ (second|minute)s?\b`)

// words are those of a text. How long ago something was makes no difference. The containers that
// unc net lists, by address, are put in the order of their names, which is no other each time.
func words(text string) []string {
	text = ago.ReplaceAllString(text, "some-time")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "ADDRESS ") }); i >= 0 {
		slices.SortFunc(lines[i+1:], func(a, b string) int {
			return slices.Compare(strings.Fields(a)[1:], strings.Fields(b)[1:])
		})
	}
	return strings.Fields(strings.Join(lines, "\n"))
}

// listensInside tells whether a process of u's, in another network than the host's,
// has somebody listening at a TCP port (proc_net(5)).
func listensInside(u user, port int) bool {
	for _, pid := range processesOf(u) {
		for _, table := range []string{"tcp", "tcp6"} {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table)) // it may have ended
			for line := range strings.Lines(string(text)) {
				if f := strings.Fields(line); len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == "0A" {
					return true
				}
			}
		}
	}
	return false
}

// TestReadmeShowsTheExamples: the scripts that TestExamples runs are those that are shown.
func TestReadmeShowsTheExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	must(t, err)
	blocks := codeBlocks(string(text))
	scripts, err := filepath.Glob("../../examples/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("examples: %v, %v", scripts, err)
	}
	for _, path := range scripts {
		script, err := os.ReadFile(path)
		must(t, err)
		if !slices.Contains(blocks, string(script)) {
			t.Errorf("%s does not show %s as it is", readme, filepath.Base(path))
		}
	}
}
