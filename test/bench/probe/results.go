package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Results is what benchmarks.json has; test/bench/plot reads it.
type Results struct {
	Machine  map[string]string `json:"machine"`
	Tools    []Tool            `json:"tools"`
	Settings map[string]string `json:"settings"`
	Figures  []Figure          `json:"figures"`
	Failures []Failure         `json:"failures,omitempty"`
}

// Tool is a program and the version that it says of itself.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Figure sums up samples of one measure: median and quartiles.
type Figure struct {
	Measure string  `json:"measure"`
	Who     string  `json:"who"`
	At      int     `json:"at,omitempty"` // containers there are
	Count   int     `json:"count"`
	Median  float64 `json:"median"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// Failure is what could not be measured, and what it said.
type Failure struct {
	Measure string `json:"measure"`
	Who     string `json:"who"`
	Said    string `json:"said"`
}

// results reads the files samples, failures and versions, whose lines have fields
// with tabs between them.
func results(dir string) error {
	r := Results{
		Machine: machine(),
		Settings: map[string]string{
			"rounds": os.Getenv("ROUNDS"), "runs": os.Getenv("RUNS"), "seconds": os.Getenv("EACH"), "bridge_nf": os.Getenv("BRIDGE_NF"),
		},
	}
	samples := map[Figure][]float64{}
	var order []Figure
	err := eachLine(filepath.Join(dir, "samples"), 4, func(f []string) error {
		at, err := strconv.Atoi(f[2])
		if err != nil {
			return err
		}
		value, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			return err
		}
		of := Figure{Measure: f[0], Who: f[1], At: at}
		if samples[of] == nil {
			order = append(order, of)
		}
		samples[of] = append(samples[of], value)
		return nil
	})
	if err != nil {
		return err
	}
	for _, figure := range order {
		values := samples[figure]
		slices.Sort(values)
		quantile := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
		figure.Count, figure.Low, figure.Median, figure.High = len(values), quantile(0.25), quantile(0.5), quantile(0.75)
		r.Figures = append(r.Figures, figure)
	}
	if err := eachLine(filepath.Join(dir, "failures"), 3, func(f []string) error {
		if failure := (Failure{f[0], f[1], f[2]}); !slices.Contains(r.Failures, failure) {
			r.Failures = append(r.Failures, failure)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := eachLine(filepath.Join(dir, "versions"), 2, func(f []string) error {
		r.Tools = append(r.Tools, Tool{f[0], f[1]})
		return nil
	}); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "\t")
	return out.Encode(r)
}

func eachLine(path string, fields int, f func([]string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", fields)
		if len(parts) != fields {
			return fmt.Errorf("%s: %q has %d fields, want %d", path, lines.Text(), len(parts), fields)
		}
		if err := f(parts); err != nil {
			return fmt.Errorf("%s: %q: %w", path, lines.Text(), err)
		}
	}
	return lines.Err()
}

// machine says what it was measured on, as the kernel and the distribution call it.
func machine() map[string]string {
	// field is what follows a key at the beginning of a line, or nothing.
	field := func(path, key string) string {
		text, _ := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, key); found {
				return strings.Trim(rest, " \t\n:=\"")
			}
		}
		return ""
	}
	gigabytes := ""
	if kilobytes, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal:"), " kB")); err == nil {
		gigabytes = fmt.Sprintf("%.0f GB", float64(kilobytes)/(1<<20))
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	version, _, _ := strings.Cut(strings.TrimSpace(string(kernel)), "-")
	load, _ := os.ReadFile("/proc/loadavg")
	return map[string]string{
		"processor": field("/proc/cpuinfo", "model name"), "processors": strconv.Itoa(runtime.NumCPU()), "memory": gigabytes,
		"kernel": version, "distribution": field("/etc/os-release", "PRETTY_NAME"),
		"load": strings.Join(strings.Fields(string(load))[:3], " "), "date": time.Now().UTC().Format(time.DateOnly),
	}
}
