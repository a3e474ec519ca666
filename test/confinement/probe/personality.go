package main

import "golang.org/x/sys/unix"

// personalityTries: each domain that personality(2) has is old code that few look at. What is
// set goes with the process that tries it.
func personalityTries() []try {
	var all []try
	for _, p := range []struct {
		name  string
		value uintptr
	}{
		{"PER_LINUX", 0},
		{"PER_LINUX32", 0x8},
		{"UNAME26", 0x20000},
		{"PER_LINUX32 and UNAME26", 0x20008},
		{"only asking", 0xffffffff},
		{"ADDR_NO_RANDOMIZE", 0x40000},
		{"READ_IMPLIES_EXEC", 0x400000},
		{"MMAP_PAGE_ZERO", 0x100000},
		{"PER_SVR4", 0x1 | 0x4000000 | 0x100000},
		{"PER_BSD", 0x6},
	} {
		all = append(all, try{"Personalities", "take", p.name, func() error { return call(unix.SYS_PERSONALITY, p.value) }})
	}
	return all
}
