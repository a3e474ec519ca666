package cgroup

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits are what a container may take at most. Zero is no limit.
type Limits struct {
	// Memory is in bytes; the kernel rounds it down to pages. MemorySwap is memory and
	// swap space together: 0 means twice as much as Memory, -1 as much as there is.
	Memory, MemorySwap int64

	// CPUQuota is how many microseconds of processor time there are in each Period.
	CPUQuota int64

	// CPUSet are the processors to run on, as in "0-2,7".
	CPUSet string

	// Pids is how many processes and threads there may be.
	Pids int64
}

// Period is the time that CPUQuota is for, in microseconds: Docker's, and the kernel's own.
const Period = 100_000

// setting is one file of a group's and what it is to say.
type setting struct {
	file, value string

	// optional says that without the file nothing is other than the caller wants it.
	optional bool
}

// controllers are those that the limits need.
func (l *Limits) controllers() []string {
	var names []string
	for _, c := range []struct {
		name   string
		needed bool
	}{
		{"cpu", l.CPUQuota != 0}, {"cpuset", l.CPUSet != ""}, {"memory", l.Memory != 0}, {"pids", l.Pids != 0},
	} {
		if c.needed {
			names = append(names, c.name)
		}
	}
	return names
}

// check refuses what the kernel would take for something else.
func (l *Limits) check() error {
	switch {
	case l.Memory < 0 || l.CPUQuota < 0 || l.Pids < 0 || l.MemorySwap < -1:
		return errors.New("a limit is negative")
	case l.MemorySwap != 0 && l.Memory == 0:
		return errors.New("swap space is limited, but memory is not")
	case l.MemorySwap > 0 && l.MemorySwap < l.Memory:
		return errors.New("the limit of memory and swap space together is less than that of memory")
	case len(l.controllers()) == 0:
		return errors.New("there is nothing to limit")
	}
	if l.CPUSet != "" {
		if _, err := ParseCPUs(l.CPUSet); err != nil {
			return err
		}
	}
	return nil
}

// settings are the files to write, in order.
func (l *Limits) settings() []setting {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	var list []setting
	if l.Memory != 0 {
		list = append(list, setting{file: "memory.max", value: number(l.Memory)})
		// The file is missing where the kernel has no swap space, or does not count it
		// (swapaccount=0): only who names a number can be disappointed by that.
		swap := setting{file: "memory.swap.max", optional: l.MemorySwap <= 0}
		switch l.MemorySwap {
		case 0:
			swap.value = number(l.Memory)
		case -1:
			swap.value = "max"
		default:
			swap.value = number(l.MemorySwap - l.Memory)
		}
		list = append(list, swap)
	}
	if l.CPUQuota != 0 {
		list = append(list, setting{file: "cpu.max", value: fmt.Sprintf("%d %d", l.CPUQuota, Period)})
	}
	if l.CPUSet != "" {
		list = append(list, setting{file: "cpuset.cpus", value: l.CPUSet})
	}
	if l.Pids != 0 {
		list = append(list, setting{file: "pids.max", value: number(l.Pids)})
	}
	return list
}

// holds tells whether a file that reads got limits as s wants it to. Numbers of
// bytes come back as a whole number of pages, CPUs as the kernel likes to write them.
func (s *setting) holds(got string) bool {
	switch s.file {
	case "memory.max", "memory.swap.max":
		want, err1 := strconv.ParseInt(s.value, 10, 64)
		have, err2 := strconv.ParseInt(got, 10, 64)
		const largestPage = 64 << 10
		return got == s.value || err1 == nil && err2 == nil && have <= want && want-have < largestPage
	case "cpuset.cpus":
		want, err1 := ParseCPUs(s.value)
		have, err2 := ParseCPUs(got)
		return err1 == nil && err2 == nil && slices.Equal(want, have)
	}
	return strings.Join(strings.Fields(got), " ") == s.value
}
