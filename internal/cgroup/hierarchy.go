package cgroup

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"unc/internal/rawio"
)

// hierarchy is cgroup v2 as this process sees it.
type hierarchy struct {
	top string // where the topmost group in sight is mounted
	own string // this process's group below it: "/", or "/a/b"

	legacy []string // controllers that belong to cgroup v1
}

// errNoV2 is a machine without any cgroup v2, and one that shows none to this process.
var errNoV2 = errors.New("there is no cgroup v2")

// find looks where this process's group is.
func (s *site) find() (*hierarchy, error) {
	text, err := rawio.ReadFile(s.proc+"/self/cgroup", 1<<20)
	if err != nil {
		return nil, err
	}
	group, legacy := parseMembership(string(text))
	if group == "" {
		return nil, errNoV2
	}
	text, err = rawio.ReadFile(s.proc+"/self/mountinfo", 16<<20)
	if err != nil {
		return nil, err
	}
	var best *hierarchy
	for _, m := range parseMounts(string(text)) {
		own, ok := m.locate(group)
		// Another mount may lie over this one. The one that shows most of the hierarchy is
		// the best, for a group to be made in may be far above.
		if ok && (best == nil || len(own) > len(best.own)) && s.isCgroup2(m.point) {
			best = &hierarchy{top: m.point, own: own, legacy: legacy}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w mounted that shows this process's group %q", errNoV2, group)
	}
	return best, nil
}

// parseMembership reads /proc/PID/cgroup (cgroups(7)): the group in v2, "" if there
// is none, and the controllers of all hierarchies of v1.
func parseMembership(text string) (group string, legacy []string) {
	for line := range strings.Lines(text) {
		// hierarchy:controllers:path, and the path may have colons
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[0] == "0" && fields[1] == "" {
			if path.IsAbs(fields[2]) {
				group = fields[2]
			}
			continue
		}
		legacy = append(legacy, strings.Split(fields[1], ",")...)
	}
	return group, legacy
}

// mount is one of cgroup v2: the group root is what it shows at point.
type mount struct{ root, point string }

// parseMounts reads /proc/PID/mountinfo (proc_pid_mountinfo(5)) and returns the
// mounts of cgroup v2.
func parseMounts(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		// After the sixth come any number of optional ones, then a dash, then the type.
		dash := slices.Index(fields, "-")
		if dash < 6 || dash+1 >= len(fields) || fields[dash+1] != "cgroup2" {
			continue
		}
		mounts = append(mounts, mount{root: unescape(fields[3]), point: unescape(fields[4])})
	}
	return mounts
}

// unescape undoes how the kernel writes blanks and backslashes: as octal numbers.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// locate returns where a group is below the mount. What lies above the root of
// this process's cgroup namespace has no name (cgroup_namespaces(7)): it is "/..".
func (m mount) locate(group string) (string, bool) {
	for _, p := range []string{m.root, group} {
		if !path.IsAbs(p) || p == "/.." || strings.HasPrefix(p, "/../") {
			return "", false
		}
	}
	group = path.Clean(group)
	if m.root == "/" || m.root == group {
		return path.Clean("/" + strings.TrimPrefix(group, strings.TrimSuffix(m.root, "/"))), true
	}
	below, ok := strings.CutPrefix(group, m.root+"/")
	return "/" + below, ok
}

// dir is the directory of a group.
func (h *hierarchy) dir(group string) string { return path.Join(h.top, group) }

// above lists the groups in which one for a container might be made, the nearest
// first: those above the process's own, up to the first that is systemd's.
func (h *hierarchy) above() []string {
	var list []string
	if h.own == "/" {
		// The real root may have processes beside groups with controllers. Where it is only
		// a namespace's, the attempt ends with EBUSY.
		return []string{"/"}
	}
	for group := h.own; group != "/" && !isUnit(group); {
		group = path.Dir(group)
		list = append(list, group)
	}
	return list
}

// isUnit tells whether a group is a systemd unit's: what is above it then is
// systemd's, too, and only systemd may make groups there ("The single-writer rule",
// systemd.io/CGROUP_DELEGATION).
func isUnit(group string) bool {
	switch path.Ext(group) {
	case ".slice", ".scope", ".service", ".socket", ".mount", ".swap":
		return true
	}
	return false
}
