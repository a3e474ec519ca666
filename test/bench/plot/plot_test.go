package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the expected files anew")

// The example gives the page and the plots that are expected of it, byte for byte.
func TestExample(t *testing.T) {
	r, err := read("testdata/results.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := render(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"benchmarks-network.svg", "benchmarks-scale.svg", "benchmarks-start.svg", "benchmarks.md"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("got files %q, want %q", got, want)
	}
	for name, got := range files {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is another than in testdata; go test -update writes it, if that is meant", name)
		}
		if filepath.Ext(name) == ".svg" {
			checkXML(t, name, got)
		}
	}
}

func checkXML(t *testing.T, name string, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: got %v, want XML", name, err)
			return
		}
	}
}

// A run of one part, or none, has a page and the plots that there is something for.
func TestParts(t *testing.T) {
	for _, test := range []struct {
		name    string
		figures []figure
		want    []string
	}{
		{"nothing", nil, []string{"benchmarks.md"}},
		{"start", []figure{{Measure: "start", Who: "unc run", Count: 1, Median: 7}}, []string{"benchmarks-start.svg", "benchmarks.md"}},
		{"net", []figure{{Measure: "tcp-to-host", Who: "unc", Count: 1, Median: 15}}, []string{"benchmarks-network.svg", "benchmarks.md"}},
		{"scale", []figure{{Measure: "scale-start", Who: "unc", At: 50, Count: 50, Median: 7}}, []string{"benchmarks-scale.svg", "benchmarks.md"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, err := render(&results{Figures: test.figures})
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, test.want) {
				t.Errorf("got files %q, want %q", got, test.want)
			}
		})
	}
}
