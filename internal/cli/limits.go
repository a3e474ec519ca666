package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"

	"unc/internal/cgroup"
	"unc/internal/nsexec"
)

// limitFlags choose what a container may take of the machine.
type limitFlags struct {
	Memory     string   `short:"m" placeholder:"SIZE"`
	MemorySwap minusOne `name:"memory-swap" placeholder:"SIZE"`
	CPUs       string   `name:"cpus" placeholder:"NUMBER"`
	CPUSet     string   `name:"cpuset-cpus" placeholder:"LIST"`
	PidsLimit  minusOne `name:"pids-limit" placeholder:"NUMBER"`
	Ulimit     []string `sep:"none" placeholder:"NAME=SOFT[:HARD]"`

	limits  cgroup.Limits
	ulimits []nsexec.Limit // what Ulimit says
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
			return about("--cpuset-cpus", f.CPUSet, err)
		}
		f.limits.CPUSet = f.CPUSet
	}
	f.ulimits, err = parseUlimits(f.Ulimit)
	return err
}

func (f *limitFlags) readMemory() (err error) {
	if f.Memory == "" {
		return nil
	}
	if f.limits.Memory, err = parseSize(f.Memory); err != nil {
		return about("--memory", f.Memory, err)
	}
	if f.limits.Memory < minMemory {
		return about("--memory", f.Memory, errors.New("a container takes at least 6m"))
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
		return about("--memory-swap", string(f.MemorySwap), err)
	}
	if f.limits.MemorySwap < f.limits.Memory {
		return about("--memory-swap", string(f.MemorySwap), fmt.Errorf("it is memory and swap space together, and less than --memory %s", f.Memory))
	}
	return nil
}

func (f *limitFlags) readCPUs() (err error) {
	if f.CPUs == "" {
		return nil
	}
	if f.limits.CPUQuota, err = parseQuota(f.CPUs); err != nil {
		return about("--cpus", f.CPUs, err)
	}
	if n := processors(); f.limits.CPUQuota > int64(n)*cgroup.Period {
		return about("--cpus", f.CPUs, fmt.Errorf("it is more than the %d that this machine has", n))
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
		return about("--pids-limit", string(f.PidsLimit), fmt.Errorf("it is no number of processes up to %d, nor -1", most))
	}
	f.limits.Pids = int64(n)
	return nil
}

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
		tell(f.tellKills(kills))
	}
	if err = errors.Join(err, g.Remove()); err != nil {
		warn(err)
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
