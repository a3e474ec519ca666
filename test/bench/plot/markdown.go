package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

//go:embed benchmarks.md.tmpl
var page string

// markdown fills the page. What it says of the figures, and why they are so, is in there.
func markdown(r *results) ([]byte, error) {
	t, err := template.New("benchmarks.md").Funcs(template.FuncMap{
		"has":     func(measure string) bool { return len(r.of(measure)) > 0 },
		"start":   r.startTable,
		"network": r.networkTable,
		"scale":   r.scaleTable,
		"leases":  r.leasesTable,
		"names":   r.namesReached,
	}).Parse(page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, r)
	return b.Bytes(), err
}

func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	rule := []string{"---"}
	for range head[1:] {
		rule = append(rule, "---:")
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// number has three digits or so: what comes after them wanders.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func (r *results) startTable() string {
	list := r.of("start")
	var rows [][]string
	for _, f := range list {
		rows = append(rows, []string{f.Who, number(f.Median), number(f.Low) + " to " + number(f.High)})
	}
	return table([]string{"", "median (ms)", "quartiles (ms)"}, rows)
}

// networkTable has a row for each measure and a column for each of those measured.
func (r *results) networkTable() string {
	who := []string{"by-hand", "unc", "LXC", "pasta", "slirp4netns"}
	var rows [][]string
	for _, m := range []struct{ measure, name string }{
		{"tcp-containers", "TCP, container to container (Gbit/s)"},
		{"tcp-to-host", "TCP, container to host (Gbit/s)"},
		{"tcp-from-host", "TCP, host to container (Gbit/s)"},
		{"rr-containers", "round trips over TCP, container to container (1/s)"},
		{"rr-host", "round trips over TCP, container to host (1/s)"},
		{"packets-containers", "small UDP datagrams, container to container (1/s)"},
		{"packets-host", "small UDP datagrams, container to host (1/s)"},
		{"http-published", "published port from the LAN, HTTP, kept connections (1/s)"},
		{"connect-published", "published port from the LAN, HTTP, a connection each (1/s)"},
	} {
		medians := map[string]float64{}
		for _, f := range r.of(m.measure) {
			medians[f.Who] = f.Median
		}
		if len(medians) == 0 {
			continue
		}
		row := []string{m.name}
		for _, w := range who {
			cell := ""
			if v, measured := medians[w]; measured {
				cell = number(v)
				if ceiling := medians["by-hand"]; w == "unc" && ceiling > 0 {
					cell += fmt.Sprintf(" (%.0f %%)", 100*v/ceiling)
				}
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return table([]string{"", "by hand", "unc", "LXC", "pasta", "slirp4netns"}, rows)
}

// scaleTable has what the n-th container takes, for those n that memory was measured at.
func (r *results) scaleTable() string {
	value := func(measure, who string, at int) string {
		for _, f := range r.of(measure) {
			if f.Who == who && f.At == at {
				return number(f.Median)
			}
		}
		return ""
	}
	var rows [][]string
	for _, f := range r.of("scale-memory") {
		start := value("scale-start", f.Who, f.At)
		if f.At == 1 {
			start = value("scale-first", f.Who, 1)
		}
		rows = append(rows, []string{
			f.Who, strconv.Itoa(f.At), start, number(f.Median / 1024), value("scale-teardown", f.Who, f.At),
		})
	}
	return table([]string{"", "containers", "start (ms)", "memory of each (MB, PSS)", "all killed and gone (ms)"}, rows)
}

func (r *results) leasesTable() string {
	var rows [][]string
	for _, f := range r.of("net-setup") {
		rows = append(rows, []string{strconv.Itoa(f.At), number(f.Median)})
	}
	return table([]string{"leases on the bridge", "ms"}, rows)
}

// namesReached says how many containers another one has reached by name.
func (r *results) namesReached() string {
	for _, f := range r.of("scale-names") {
		return fmt.Sprintf("%.0f of %d", f.Median, f.At)
	}
	return ""
}
