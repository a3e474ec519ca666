package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/nsexec"
)

// resource is a limit of getrlimit(2), under the name that podman gives it.
type resource struct {
	name   string
	number int
}

func resources() []resource {
	return []resource{
		{"as", unix.RLIMIT_AS},
		{"core", unix.RLIMIT_CORE},
		{"cpu", unix.RLIMIT_CPU},
		{"data", unix.RLIMIT_DATA},
		{"fsize", unix.RLIMIT_FSIZE},
		{"locks", unix.RLIMIT_LOCKS},
		{"memlock", unix.RLIMIT_MEMLOCK},
		{"msgqueue", unix.RLIMIT_MSGQUEUE},
		{"nice", unix.RLIMIT_NICE},
		{"nofile", unix.RLIMIT_NOFILE},
		{"nproc", unix.RLIMIT_NPROC},
		{"rss", unix.RLIMIT_RSS},
		{"rtprio", unix.RLIMIT_RTPRIO},
		{"rttime", unix.RLIMIT_RTTIME},
		{"sigpending", unix.RLIMIT_SIGPENDING},
		{"stack", unix.RLIMIT_STACK},
	}
}

// parseUlimits reads all of --ulimit; the last one of a name counts.
func parseUlimits(specs []string) ([]nsexec.Limit, error) {
	var list []nsexec.Limit
	for _, spec := range specs {
		limit, err := parseUlimit(spec)
		if err != nil {
			return nil, about("--ulimit", spec, err)
		}
		list = slices.DeleteFunc(list, func(other nsexec.Limit) bool { return other.Resource == limit.Resource })
		list = append(list, limit)
	}
	return list, nil
}

// parseUlimit reads NAME=SOFT[:HARD] and refuses what the kernel would, whose EPERM
// does not say how much there may be.
func parseUlimit(spec string) (nsexec.Limit, error) {
	var limit nsexec.Limit
	name, values, ok := strings.Cut(spec, "=")
	if !ok {
		return limit, errors.New("write it as NAME=SOFT[:HARD]")
	}
	found := false
	var names []string
	for _, r := range resources() {
		names = append(names, r.name)
		if r.name == strings.ToLower(name) {
			limit.Resource, found = r.number, true
		}
	}
	if !found {
		return limit, fmt.Errorf("there is no limit %q; there are %s", name, strings.Join(names, ", "))
	}
	soft, hard, both := strings.Cut(values, ":")
	var err error
	if limit.Soft, err = parseRlimit(soft); err != nil {
		return limit, err
	}
	limit.Hard = limit.Soft
	if both {
		if limit.Hard, err = parseRlimit(hard); err != nil {
			return limit, err
		}
	}
	if limit.Soft > limit.Hard {
		return limit, errors.New("the soft limit is above the hard one")
	}
	var own unix.Rlimit
	if err := unix.Getrlimit(limit.Resource, &own); err != nil {
		return limit, fmt.Errorf("reading your own limit: %w", err)
	}
	if limit.Hard > own.Max {
		return limit, fmt.Errorf("your own hard limit is %d, and only root can raise that", own.Max)
	}
	return limit, nil
}

func parseRlimit(text string) (uint64, error) {
	if text == "-1" || text == "unlimited" {
		return unix.RLIM_INFINITY, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || text[0] == '+' {
		return 0, fmt.Errorf("%q is no number, nor -1 or unlimited", text)
	}
	return n, nil
}
