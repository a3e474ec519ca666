package cgroup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxCPU is above the number of every processor that a kernel can be built for
// (NR_CPUS in arch/x86/Kconfig).
const maxCPU = 8192

// ParseCPUs reads a list of processors, "0-2,7", and returns their numbers in order
// (cpuset(7), "List format").
func ParseCPUs(text string) ([]int, error) {
	var list []int
	for item := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), ",") {
		first, last, isRange := strings.Cut(item, "-")
		from, err := parseCPU(first)
		to := from
		if err == nil && isRange {
			to, err = parseCPU(last)
		}
		if err != nil {
			return nil, fmt.Errorf("it is no list of processors such as 0-2,7: %w", err)
		}
		if to < from {
			return nil, fmt.Errorf("it is no list of processors: %q ends before it begins", item)
		}
		for cpu := from; cpu <= to; cpu++ {
			list = append(list, cpu)
		}
		if len(list) > 2*maxCPU { // much of it is there twice
			list = unique(list)
		}
	}
	return unique(list), nil
}

func unique(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

func parseCPU(text string) (int, error) {
	// Not what strconv takes besides digits.
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no number", text)
	}
	cpu, err := strconv.ParseUint(text, 10, 32)
	if err != nil || cpu >= maxCPU {
		return 0, fmt.Errorf("there is no processor %s", text)
	}
	return int(cpu), nil
}
