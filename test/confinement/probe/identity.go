package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// identityTries only look. Who the processes of a container are decides what all else is worth.
func identityTries() []try {
	const group = "Who it is"
	var all []try
	for _, field := range []struct{ verb, name string }{
		{"effective capabilities", "CapEff"},
		{"permitted capabilities", "CapPrm"},
		{"inheritable capabilities", "CapInh"},
		{"bounding set", "CapBnd"},
		{"ambient capabilities", "CapAmb"},
		{"no_new_privs", "NoNewPrivs"},
		{"seccomp mode", "Seccomp"},
	} {
		all = append(all, try{group, field.verb, "", func() error { return status(field.name) }})
	}
	return append(
		all,
		try{group, "is root inside", "", func() error { return yesIf(os.Geteuid() == 0) }},
		try{group, "is root of the machine's user namespace", "", isRootOutside},
		try{group, "user ids that it can have", "", countIDs},
		try{group, "has descriptors of its caller's besides 0, 1 and 2", "", func() error {
			return yesIf(os.Getenv(descriptors) != "")
		}},
	)
}

func yesIf(is bool) error {
	if is {
		return nil
	}
	return found("no")
}

// status is a line of /proc/self/status.
func status(name string) error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, name+":"); is {
			return found(strings.TrimSpace(value))
		}
	}
	return errMissing
}

// idMap adds up /proc/self/uid_map, and tells whether it is that of a machine's first
// namespace: all of them, as they are.
func idMap() (count uint64, first bool, err error) {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, false, err
	}
	for line := range strings.Lines(string(text)) {
		var inside, outside, length uint64
		if _, err := fmt.Sscan(line, &inside, &outside, &length); err != nil {
			return 0, false, err
		}
		count += length
		first = inside == 0 && outside == 0 && length == 1<<32-1
	}
	return count, first, nil
}

func isRootOutside() error {
	_, first, err := idMap()
	if err != nil {
		return err
	}
	return yesIf(first && os.Geteuid() == 0)
}

func countIDs() error {
	count, _, err := idMap()
	if err != nil {
		return err
	}
	return found(strconv.FormatUint(count, 10))
}

// descriptors tells a try what the probe was given when it began.
const descriptors = "PROBE_DESCRIPTORS"

// noteDescriptors comes before anything else is opened.
func noteDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	var given []string
	for _, e := range entries {
		// The directory's own is closed again, and has no target any more.
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if n, _ := strconv.Atoi(e.Name()); err == nil && n > 2 && !strings.HasPrefix(target, "anon_inode:[event") {
			given = append(given, target)
		}
	}
	return os.Setenv(descriptors, strings.Join(given, " "))
}
