package cli

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"unc/internal/cgroup"
	"unc/internal/nsexec"
	"unc/internal/rawio"
)

// limitFlags choose what a container may take of the machine.
type limitFlags struct {
	Memory     string   `short:"m" placeholder:"SIZE"`
	MemorySwap minusOne `name:"memory-swap" placeholder:"SIZE"`
	CPUs       string   `name:"cpus" placeholder:"NUMBER"`
	CPUSet     string   `name:"cpuset-cpus" placeholder:"LIST"`
	PidsLimit  minusOne `name:"pids-limit" placeholder:"NUMBER"`
	Ulimit     []string `sep:"none" placeholder:"NAME=SOFT[:HARD]"`

	limits    cgroup.Limits
	resources []nsexec.Limit
}

// minusOne is a number as text, of which -1 is one: to kong it looks like a flag.
type minusOne string

// Decode takes the value of a flag; kong calls it.
func (n *minusOne) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Peek()
	if isNegative(token.String()) {
		ctx.Scan.Pop()
		*n = minusOne(token.String())
		return nil
	}
	return ctx.Scan.PopValueInto("number", (*string)(n))
}

func isNegative(text string) bool {
	return len(text) > 1 && text[0] == '-' && text[1] >= '0' && text[1] <= '9'
}

// minMemory is Docker's: less has been too little for the first process of a container.
const minMemory = 6 << 20

// Validate reads the flags, and refuses what could only be misunderstood.
func (f *limitFlags) Validate() (err error) {
	for _, flag := range []func() error{f.readMemory, f.readSwap, f.readCPUs, f.readPids} {
		if err := flag(); err != nil {
			return err
		}
	}
	if f.CPUSet != "" {
		if _, err := cgroup.ParseCPUs(f.CPUSet); err != nil {
			return fmt.Errorf("--cpuset-cpus: %w", err)
		}
		f.limits.CPUSet = f.CPUSet
	}
	f.resources, err = parseUlimits(f.Ulimit)
	return err
}

func (f *limitFlags) readMemory() (err error) {
	if f.Memory == "" {
		return nil
	}
	if f.limits.Memory, err = parseSize(f.Memory); err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	if f.limits.Memory < minMemory {
		return fmt.Errorf("--memory %s: a container takes at least 6m", f.Memory)
	}
	return nil
}

func (f *limitFlags) readSwap() (err error) {
	switch {
	case f.MemorySwap == "":
		return nil
	case f.Memory == "":
		return errors.New("--memory-swap means nothing without --memory")
	case f.MemorySwap == "-1":
		f.limits.MemorySwap = -1
		return nil
	}
	if f.limits.MemorySwap, err = parseSize(string(f.MemorySwap)); err != nil {
		return fmt.Errorf("--memory-swap: %w", err)
	}
	if f.limits.MemorySwap < f.limits.Memory {
		return fmt.Errorf("--memory-swap %s is memory and swap space together, and less than --memory %s", f.MemorySwap, f.Memory)
	}
	return nil
}

func (f *limitFlags) readCPUs() (err error) {
	if f.CPUs == "" {
		return nil
	}
	if f.limits.CPUQuota, err = parseQuota(f.CPUs); err != nil {
		return fmt.Errorf("--cpus: %w", err)
	}
	if n := processors(); f.limits.CPUQuota > int64(n)*cgroup.Period {
		return fmt.Errorf("--cpus %s is more than the %d that this machine has", f.CPUs, n)
	}
	return nil
}

func (f *limitFlags) readPids() (err error) {
	if f.PidsLimit == "" || f.PidsLimit == "-1" {
		return nil
	}
	// No kernel counts further (PID_MAX_LIMIT in include/linux/threads.h).
	const most = 4 << 20
	n, err := strconv.ParseUint(string(f.PidsLimit), 10, 31)
	if err != nil || n > most {
		return fmt.Errorf("--pids-limit: %q is no number of processes up to %d, nor -1", f.PidsLimit, most)
	}
	f.limits.Pids = int64(n)
	return nil
}

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
		return 0, fmt.Errorf("%q is no size such as 512m or 1.5g", text)
	}
	return n, nil
}

// parseQuota reads a number of processors, and returns its share of cgroup.Period.
// The kernel's smallest is a millisecond (min_cfs_quota_period in kernel/sched/core.c).
func parseQuota(text string) (int64, error) {
	n, err := parseDecimal(text, cgroup.Period)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of processors such as 1.5", text)
	}
	if n < cgroup.Period/100 {
		return 0, fmt.Errorf("%q is less than 0.01, the least there is", text)
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

// ulimits are the limits of each process, for nsexec.
func (f *limitFlags) ulimits() []nsexec.Limit { return f.resources }

// group makes the control group with the limits; nil when there are none.
func (f *limitFlags) group() (*cgroup.Group, error) {
	if f.limits == (cgroup.Limits{}) {
		return nil, nil
	}
	return cgroup.New(f.limits)
}

// endGroup says what the limit of memory has done, and removes the group of a container
// that has ended. What fails here is no reason to change the command's exit code.
func (f *limitFlags) endGroup(g *cgroup.Group) {
	if g == nil {
		return
	}
	kills, err := g.OOMKills()
	if err == nil && kills > 0 {
		fmt.Fprintf(os.Stderr, "unc: %s\n", oneLine(f.tellKills(kills)))
	}
	if err = errors.Join(err, g.Remove()); err != nil {
		warn(err.Error())
	}
}

// tellKills does not say that the limit is to blame: the whole machine may have been short.
func (f *limitFlags) tellKills(n int) string {
	killed := "a process of the container was killed"
	if n > 1 {
		killed = strconv.Itoa(n) + " processes of the container were killed"
	}
	if f.Memory == "" {
		return "out of memory: " + killed
	}
	return fmt.Sprintf("out of memory, with --memory %s: %s", f.Memory, killed)
}
