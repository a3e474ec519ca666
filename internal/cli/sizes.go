package cli

import (
	"errors"
	"math"
	"math/bits"
	"runtime"
	"strconv"
	"strings"

	"unc/internal/cgroup"
	"unc/internal/rawio"
)

// parseSize reads a number of bytes as Docker and podman write it: 1024, 512k, 1.5g, 64MB.
func parseSize(text string) (int64, error) {
	number := strings.ToLower(text)
	number = strings.TrimSuffix(number, "b")
	scale := uint64(1)
	if number != "" {
		for i, unit := range "kmgtp" {
			if rest, ok := strings.CutSuffix(number, string(unit)); ok {
				number, scale = rest, 1<<(10*(i+1))
				break
			}
		}
	}
	n, err := parseDecimal(number, scale)
	if err != nil || n == 0 {
		return 0, errors.New("it is no size such as 512m or 1.5g")
	}
	return n, nil
}

// parseQuota reads a number of processors, and returns its share of cgroup.Period.
// The kernel's smallest is a millisecond (min_cfs_quota_period in kernel/sched/core.c).
func parseQuota(text string) (int64, error) {
	n, err := parseDecimal(text, cgroup.Period)
	if err != nil {
		return 0, errors.New("it is no number of processors such as 1.5")
	}
	if n < cgroup.Period/100 {
		return 0, errors.New("it is less than 0.01, the least there is")
	}
	return n, nil
}

// parseDecimal reads digits that may have a point in them, and returns their value
// times scale, rounded down: exactly, as floating point would not.
func parseDecimal(text string, scale uint64) (int64, error) {
	whole, part, _ := strings.Cut(text, ".")
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" || len(part) > 18 {
		return 0, strconv.ErrSyntax
	}
	n, err1 := strconv.ParseUint("0"+whole, 10, 63)
	digits, err2 := strconv.ParseUint("0"+part, 10, 63)
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	one := uint64(1) // in units of the last digit
	for range part {
		one *= 10
	}
	// Less than scale, because digits is less than one.
	high, low := bits.Mul64(digits, scale)
	fraction, _ := bits.Div64(high, low, one)
	high, low = bits.Mul64(n, scale)
	if sum := low + fraction; high == 0 && sum >= low && sum <= math.MaxInt64 {
		return int64(sum), nil
	}
	return 0, strconv.ErrRange
}

// processors counts those of this machine that are switched on. The runtime's own count
// is of those that this process may run on.
func processors() int {
	text, err := rawio.ReadFile("/sys/devices/system/cpu/online", 1<<16)
	if err != nil {
		return runtime.NumCPU()
	}
	list, err := cgroup.ParseCPUs(string(text))
	if err != nil {
		return runtime.NumCPU()
	}
	return len(list)
}
