package cli

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/cgroup"
	"unc/internal/nsexec"
)

// parseLimits reads flags as the command line does.
func parseLimits(t *testing.T, args ...string) (*limitFlags, error) {
	t.Helper()
	var flags struct {
		limitFlags
		Command []string `arg:"" optional:"" passthrough:""`
	}
	parser, err := kong.New(&flags)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = parser.Parse(args); err == nil {
		err = flags.Validate()
	}
	return &flags.limitFlags, err
}

func TestLimitFlags(t *testing.T) {
	for _, test := range []struct {
		args string
		want cgroup.Limits
	}{
		{"", cgroup.Limits{}},
		{"-m 64m", cgroup.Limits{Memory: 64 << 20}},
		{"-m64M", cgroup.Limits{Memory: 64 << 20}},
		{"--memory=1.5g", cgroup.Limits{Memory: 3 << 29}},
		{"--memory 6291456", cgroup.Limits{Memory: 6 << 20}},
		{"-m 1GB --memory-swap 1g", cgroup.Limits{Memory: 1 << 30, MemorySwap: 1 << 30}},
		{"-m 1g --memory-swap -1", cgroup.Limits{Memory: 1 << 30, MemorySwap: -1}},
		{"-m 1g --memory-swap=-1", cgroup.Limits{Memory: 1 << 30, MemorySwap: -1}},
		{"--cpus 1", cgroup.Limits{CPUQuota: 100_000}},
		{"--cpus .5", cgroup.Limits{CPUQuota: 50_000}},
		{"--cpus 0.29", cgroup.Limits{CPUQuota: 29_000}},
		{"--cpus 0.01", cgroup.Limits{CPUQuota: 1_000}},
		{"--cpuset-cpus 0-2,7", cgroup.Limits{CPUSet: "0-2,7"}},
		{"--pids-limit 100", cgroup.Limits{Pids: 100}},
		{"--pids-limit -1", cgroup.Limits{}},
		{"--pids-limit=-1", cgroup.Limits{}},
		{"--pids-limit 0", cgroup.Limits{}},
	} {
		t.Run(test.args, func(t *testing.T) {
			f, err := parseLimits(t, strings.Fields(test.args)...)
			if err != nil {
				t.Fatalf("got %v, want %+v", err, test.want)
			}
			if diff := cmp.Diff(test.want, f.limits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitFlagsRefused(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"-m 0", "it is no size"},
		{"-m x", "it is no size"},
		{"-m m", "it is no size"},
		{"-m 1e9", "it is no size"},
		{"-m 9999999999999g", "it is no size"},
		{"-m 16777216t", "it is no size"},
		{"-m=-1", "it is no size"},
		{"-m 5m", `--memory "5m": a container takes at least 6m`},
		{"--memory-swap 1g", "--memory-swap means nothing without --memory"},
		{"-m 1g --memory-swap 512m", "it is memory and swap space together, and less than --memory 1g"},
		{"-m 1g --memory-swap -2", "it is no size"},
		{"-m 1g --memory-swap", "expected"},
		{"-m 1g --memory-swap --cpus", "expected"},
		{"--cpus 0", "less than 0.01"},
		{"--cpus 0.009", "less than 0.01"},
		{"--cpus one", "no number of processors"},
		{"--cpus 1e1", "no number of processors"},
		{"--cpus 100000", "more than the"},
		{"--cpuset-cpus 2-1", `--cpuset-cpus "`},
		{"--cpuset-cpus x", `--cpuset-cpus "`},
		{"--pids-limit x", `--pids-limit "`},
		{"--pids-limit -2", `--pids-limit "`},
		{"--pids-limit 1.5", `--pids-limit "`},
		{"--pids-limit 4194305", `--pids-limit "`},
		{"--ulimit nofile", "NAME=SOFT[:HARD]"},
		{"--ulimit files=1", `no limit "files"; there are as, core,`},
		{"--ulimit nofile=", "no number"},
		{"--ulimit nofile=1:", "no number"},
		{"--ulimit nofile=1:2:3", "no number"},
		{"--ulimit nofile=+1", "no number"},
		{"--ulimit nofile=2:1", "soft limit is above"},
		{"--ulimit nofile=-1", "your own hard limit is"}, // fs.nr_open bounds it
	} {
		t.Run(test.args, func(t *testing.T) {
			f, err := parseLimits(t, strings.Fields(test.args)...)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %+v, %v, want an error with %q", f.limits, err, test.says)
			}
		})
	}
}

func TestUlimitFlags(t *testing.T) {
	const none = unix.RLIM_INFINITY
	for _, test := range []struct {
		args string
		want []nsexec.Limit
	}{
		{"", nil},
		{"--ulimit nofile=10", []nsexec.Limit{{Resource: unix.RLIMIT_NOFILE, Soft: 10, Hard: 10}}},
		{"--ulimit NOFILE=10:20", []nsexec.Limit{{Resource: unix.RLIMIT_NOFILE, Soft: 10, Hard: 20}}},
		{"--ulimit rss=-1", []nsexec.Limit{{Resource: unix.RLIMIT_RSS, Soft: none, Hard: none}}},
		{"--ulimit rss=5:unlimited", []nsexec.Limit{{Resource: unix.RLIMIT_RSS, Soft: 5, Hard: none}}},
		{"--ulimit core=0 --ulimit cpu=60", []nsexec.Limit{{Resource: unix.RLIMIT_CORE}, {Resource: unix.RLIMIT_CPU, Soft: 60, Hard: 60}}},
		{"--ulimit core=0 --ulimit core=1", []nsexec.Limit{{Resource: unix.RLIMIT_CORE, Soft: 1, Hard: 1}}},
	} {
		t.Run(test.args, func(t *testing.T) {
			f, err := parseLimits(t, strings.Fields(test.args)...)
			if err != nil {
				t.Fatalf("got %v, want %+v", err, test.want)
			}
			if diff := cmp.Diff(test.want, f.ulimits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

// No limit of the kernel's own is asked for when there is none to set.
func TestNoGroupWithoutLimits(t *testing.T) {
	f, err := parseLimits(t, "--ulimit", "core=0")
	if err != nil {
		t.Fatal(err)
	}
	if g, err := f.group(); g != nil || err != nil {
		t.Errorf("got %v, %v, want no group", g, err)
	}
	f.endGroup(nil)
}

func TestTellKills(t *testing.T) {
	for _, test := range []struct {
		memory string
		n      int
		want   string
	}{
		{"64m", 1, "out of memory, with --memory 64m: a process of the container was killed"},
		{"64m", 3, "out of memory, with --memory 64m: 3 processes of the container were killed"},
		{"", 1, "out of memory: a process of the container was killed"},
	} {
		f := &limitFlags{Memory: test.memory}
		if got := f.tellKills(test.n); got != test.want {
			t.Errorf("%q, %d: got %q, want %q", test.memory, test.n, got, test.want)
		}
	}
}

// parseDecimal is compared with arithmetic that has no bounds.
func FuzzParseDecimal(f *testing.F) {
	f.Add("1.5", uint64(1<<30))
	f.Add("0.29", uint64(100))
	f.Add("9223372036854775807", uint64(1))
	f.Add("18446744073709551615.999999999999999999", uint64(3))
	f.Fuzz(func(t *testing.T, text string, scale uint64) {
		if scale == 0 || scale > 1<<50 {
			return
		}
		got, err := parseDecimal(text, scale)
		exact, ok := new(big.Rat).SetString(text)
		if err != nil {
			if ok && len(text) < 18 && strings.Trim(text, "0123456789.") == "" &&
				exact.Mul(exact, new(big.Rat).SetUint64(scale)).Cmp(new(big.Rat).SetUint64(math.MaxInt64)) < 0 {
				t.Errorf("%q times %d: got %v, want %v", text, scale, err, exact)
			}
			return
		}
		if !ok {
			t.Fatalf("%q: got %d, want an error", text, got)
		}
		exact.Mul(exact, new(big.Rat).SetUint64(scale))
		want := new(big.Int).Quo(exact.Num(), exact.Denom())
		if want.Cmp(big.NewInt(got)) != 0 {
			t.Errorf("%q times %d: got %d, want %d", text, scale, got, want)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	f.Add("512m")
	f.Add("1.5GB")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && n <= 0 {
			t.Errorf("%q: got %d, want more than nothing", text, n)
		}
	})
}

func FuzzParseUlimit(f *testing.F) {
	f.Add("nofile=10:20")
	f.Add("core=-1")
	f.Fuzz(func(t *testing.T, text string) {
		if limit, err := parseUlimit(text); err == nil && limit.Soft > limit.Hard {
			t.Errorf("%q: got %+v, want the soft limit within the hard one", text, limit)
		}
	})
}
