package cgroup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all is a limit of everything.
var all = Limits{Memory: 64 << 20, MemorySwap: 96 << 20, CPUQuota: 150_000, CPUSet: "0-1,3", Pids: 20}

func TestControllers(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		want   []string
	}{
		{"none", Limits{}, nil},
		{"memory", Limits{Memory: 1}, []string{"memory"}},
		{"all", all, []string{"cpu", "cpuset", "memory", "pids"}},
	} {
		if diff := cmp.Diff(test.want, test.limits.controllers()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		want   string // part of the error, or "" for none
	}{
		{"all", all, ""},
		{"no limit of swap space", Limits{Memory: 2, MemorySwap: -1}, ""},
		{"no swap space", Limits{Memory: 2, MemorySwap: 2}, ""},
		{"nothing", Limits{}, "nothing to limit"},
		{"negative memory", Limits{Memory: -1}, "negative"},
		{"negative time", Limits{CPUQuota: -1}, "negative"},
		{"negative processes", Limits{Pids: -1}, "negative"},
		{"negative swap space", Limits{Memory: 1, MemorySwap: -2}, "negative"},
		{"swap space alone", Limits{MemorySwap: 1, Pids: 1}, "memory is not"},
		{"less of both than of one", Limits{Memory: 2, MemorySwap: 1}, "less than"},
		{"no processors", Limits{CPUSet: "a"}, "no list of processors"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.limits.check()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		want   []setting
	}{
		{"all", all, []setting{
			{file: "memory.max", value: "67108864"},
			{file: "memory.swap.max", value: "33554432"},
			{file: "cpu.max", value: "150000 100000"},
			{file: "cpuset.cpus", value: "0-1,3"},
			{file: "pids.max", value: "20"},
		}},
		{"as much swap space as memory", Limits{Memory: 7}, []setting{
			{file: "memory.max", value: "7"},
			{file: "memory.swap.max", value: "7", optional: true},
		}},
		{"any swap space", Limits{Memory: 7, MemorySwap: -1}, []setting{
			{file: "memory.max", value: "7"},
			{file: "memory.swap.max", value: "max", optional: true},
		}},
		{"no swap space", Limits{Memory: 7, MemorySwap: 7}, []setting{
			{file: "memory.max", value: "7"},
			{file: "memory.swap.max", value: "0"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.limits.settings(), cmp.AllowUnexported(setting{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	for _, test := range []struct {
		name string
		set  setting
		got  string
		want bool
	}{
		{"bytes", setting{file: "memory.max", value: "8192"}, "8192", true},
		{"rounded down to pages", setting{file: "memory.max", value: "8193"}, "8192", true},
		{"too large for the kernel", setting{file: "memory.max", value: "9223372036854775807"}, "max", false},
		{"less by far", setting{file: "memory.max", value: "1048576"}, "8192", false},
		{"more", setting{file: "memory.max", value: "4096"}, "8192", false},
		{"no limit wanted", setting{file: "memory.swap.max", value: "max"}, "max", true},
		{"none", setting{file: "memory.swap.max", value: "0"}, "0", true},
		{"a quota", setting{file: "cpu.max", value: "5000 100000"}, "5000 100000", true},
		{"no quota", setting{file: "cpu.max", value: "5000 100000"}, "max 100000", false},
		{"processors, written otherwise", setting{file: "cpuset.cpus", value: "0,1,2"}, "0-2", true},
		{"other processors", setting{file: "cpuset.cpus", value: "0-3"}, "0-2", false},
		{"no processors", setting{file: "cpuset.cpus", value: "0"}, "", false},
		{"processes", setting{file: "pids.max", value: "5"}, "5", true},
		{"any number of processes", setting{file: "pids.max", value: "5"}, "max", false},
	} {
		if got := test.set.holds(test.got); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
