// Command plot writes benchmarks.md and its plots from what test/bench/all has measured:
//
//	plot BENCHMARKS.JSON DIR
//
// It has a module of its own, for unc itself needs no library that draws. The same
// results give the same files, byte for byte; testdata has an example.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("see the comment at the top of main.go")
	}
	r, err := read(args[0])
	if err != nil {
		return err
	}
	files, err := render(r)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(args[1], name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// results is what test/bench/probe writes.
type results struct {
	Machine  map[string]string
	Tools    []struct{ Name, Version string }
	Settings map[string]string
	Figures  []figure
	Failures []struct{ Measure, Who, Said string }
}

// figure sums up the samples of one measure.
type figure struct {
	Measure, Who      string
	At                int // of so many containers; 0 where there is one
	Count             int
	Median, Low, High float64
}

func read(path string) (*results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &results{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return r, nil
}

// of are the figures of one measure, in the order in which they were first taken.
func (r *results) of(measure string) []figure {
	var list []figure
	for _, f := range r.Figures {
		if f.Measure == measure {
			list = append(list, f)
		}
	}
	return list
}

// render gives all files that there is something for, by name.
func render(r *results) (map[string][]byte, error) {
	text, err := markdown(r)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"benchmarks.md": text}
	for name, draw := range map[string]func(*results) ([]byte, error){
		startPlot: drawStart, networkPlot: drawNetwork, scalePlot: drawScale,
	} {
		picture, err := draw(r)
		if err != nil {
			return nil, fmt.Errorf("drawing %q: %w", name, err)
		}
		if picture != nil {
			files[name] = picture
		}
	}
	return files, nil
}
