package e2e

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// untouched is a link with the settings that the kernel gives to each.
const untouched = "untouched"

// setting is a line of the list in docs/network.md.
type setting struct{ name, was, becomes, when string }

// documented reads the list.
func documented(t *testing.T) []setting {
	t.Helper()
	text, err := os.ReadFile("../../docs/network.md")
	must(t, err)
	_, rest, found := strings.Cut(string(text), "\n| setting | was | becomes | when |\n")
	if !found {
		t.Fatal("docs/network.md has no list of settings")
	}
	var list []setting
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case strings.HasPrefix(line, "| ---"):
		case len(cells) == 4:
			name := strings.ReplaceAll(strings.Trim(cells[0], "`"), ".", "/")
			list = append(list, setting{strings.TrimPrefix(name, "net/"), cells[1], cells[2], cells[3]})
		case len(list) == 0 || strings.HasPrefix(line, "|"):
			t.Fatalf("docs/network.md: %q is no line of the list", line)
		default:
			return list
		}
	}
	return list
}

// Of all kernel settings the first container changes those that docs/network.md
// lists, the first published port no others, and remove takes them back.
func TestNoSettingChangesButTheDocumented(t *testing.T) {
	t.Parallel()
	h, _ := newNeighbours(t)
	// One more that the host has routes through, one that it has none, and one that
	// nobody has touched.
	h.root(`for n in 1 2; do
			ip link add "more$n" type veth peer name "far$n"
			for l in "more$n" "far$n"; do ip link set "$l" addrgenmode none; ip link set "$l" up; done
		done
		ip link add "$1" type veth peer name "far-$1"
		ip addr add 203.0.113.1/24 dev more1
		ip addr add 2001:db8:3::1/64 dev more1 nodad
		for f in /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/*forwarding; do
			case $f in */mc_forwarding) ;; *) echo 0 >"$f" ;; esac
		done`, untouched)
	h.settle()
	if _, there := h.before["sysctl ipv6/conf/all/force_forwarding"]; !there {
		t.Skip("this is about Linux 6.17 and newer, which can forward IPv6 for single links")
	}
	links := map[string][]string{"ROUTE": {"lan0", "more1"}}
	list := documented(t)
	rootfs := busyboxRootfs(t, h.alice)
	start := h.settings(t)

	c := h.container(h.alice, rootfs)
	first := h.settings(t)
	want := wantedChanges(t, list, "first container", links, start)
	compareChanges(t, "the first container", want, start, first)
	checkNew(t, list, first)
	c.end()

	c = h.container(h.alice, rootfs, "-p", "8080:80", "-p", "8081:81/udp")
	compareChanges(t, "the first published port", want, start, h.settings(t))
	c.end()

	h.nothingLeft()
	h.root(`"$1" net-setup remove`, unc)
	if left := differences(start, h.settings(t)); len(left) > 0 {
		t.Errorf("after remove:\n%s", strings.Join(left, "\n"))
	}
	if left := differences(h.before, h.picture(t)); len(left) > 0 {
		t.Errorf("after remove:\n%s", strings.Join(left, "\n"))
	}
}

func (h *host) settings(t *testing.T) map[string]string {
	t.Helper()
	var found map[string]string
	h.inHost(func() (err error) {
		found, err = sysctls()
		return err
	})
	return found
}

func (h *host) picture(t *testing.T) picture {
	t.Helper()
	p, err := h.look()
	must(t, err)
	return p
}

// wantedChanges are the listed settings of this kind, with their values. Each is one
// that there was, with the value that is said.
func wantedChanges(t *testing.T, list []setting, when string, links map[string][]string, start map[string]string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for _, s := range list {
		if s.when != when {
			continue
		}
		names := []string{s.name}
		for variable, stand := range links {
			if strings.Contains(s.name, "/"+variable+"/") {
				names = nil
				for _, link := range stand {
					names = append(names, strings.Replace(s.name, "/"+variable+"/", "/"+link+"/", 1))
				}
			}
		}
		for _, name := range names {
			if was, there := start["sysctl "+name]; !there || was != s.was {
				t.Errorf("%s is %q to begin with, want %q, as docs/network.md has it", name, was, s.was)
			}
			want["sysctl "+name] = s.becomes
		}
	}
	if len(want) == 0 {
		t.Fatalf("docs/network.md lists nothing for %q", when)
	}
	return want
}

// compareChanges compares what has changed with what was to, but for settings of new
// links.
func compareChanges(t *testing.T, what string, want, before, after map[string]string) {
	t.Helper()
	wanted := map[string]string{}
	for key, value := range before {
		wanted[key] = value
	}
	for key, value := range want {
		wanted[key] = value
	}
	old := map[string]string{}
	for key, value := range after {
		if newLinkOf(key) == "" {
			old[key] = value
		}
	}
	if wrong := differences(wanted, old); len(wrong) > 0 {
		t.Errorf("docs/network.md does not have what %s has changed:\n%s", what, strings.Join(wrong, "\n"))
	}
}

// newLinkOf is the link of unc's that a setting is of, as the documentation calls it.
func newLinkOf(key string) string {
	for _, part := range strings.Split(key, "/") {
		if ok, _ := path.Match("uv????????", part); ok {
			return "uv*"
		}
		if part == "unc0" {
			return part
		}
	}
	return ""
}

// checkNew compares the settings of unc's links with those that every new link has,
// and with the list.
func checkNew(t *testing.T, list []setting, after map[string]string) {
	t.Helper()
	var seen []string
	for key, is := range after {
		link := newLinkOf(key)
		if link == "" || strings.HasSuffix(key, "/mtu") { // which is the link's own
			continue
		}
		parts := strings.Split(strings.TrimPrefix(key, "sysctl "), "/")
		parts[2] = link
		name := strings.Join(parts, "/")
		parts[2] = untouched
		want, what := after["sysctl "+strings.Join(parts, "/")], "as for every new link"
		if i := slices.IndexFunc(list, func(s setting) bool { return s.name == name && s.was == "new" }); i >= 0 {
			want, what = list[i].becomes, "as docs/network.md has it"
			seen = append(seen, name)
		}
		if is != want {
			t.Errorf("%s is %q, want %q, %s", key, is, want, what)
		}
	}
	for _, s := range list {
		if s.was == "new" && !slices.Contains(seen, s.name) {
			t.Errorf("docs/network.md has %s, which is not there", fmt.Sprintf("%q", s.name))
		}
	}
}
