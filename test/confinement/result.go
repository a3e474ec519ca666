package confinement

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Result is what came of one try.
type Result struct {
	Group   string // what it belongs to, the heading of a part of the table
	Verb    string // what was done
	Object  string // to what; empty where the verb says it all
	Outcome string // Yes, "no (EPERM)", "killed (SIGSYS)", or what was found
}

// Yes is the outcome of what is possible.
const Yes = "yes"

// Key names the try.
func (r Result) Key() string { return r.Group + "\t" + r.Verb + "\t" + r.Object }

// String is the line that Parse reads.
func (r Result) String() string { return r.Key() + "\t" + r.Outcome }

// List is all that came of one run of the probe, with a remark about the run.
type List struct {
	About   string // what it was run by, with its version
	Results []Result
}

// remark begins the line that says what a list is about.
const remark = "# "

// Parse reads a list: a line for each result, its four fields separated by tabs. Two
// results of the same try are an error, and so is a list without any.
func Parse(r io.Reader) (*List, error) {
	list := new(List)
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if about, is := strings.CutPrefix(line, remark); is {
			list.About = about
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 4 || fields[0] == "" || fields[1] == "" || fields[3] == "" {
			return nil, fmt.Errorf("%q is no result: want group, verb, object and outcome", line)
		}
		result := Result{fields[0], fields[1], fields[2], fields[3]}
		if seen[result.Key()] {
			return nil, fmt.Errorf("%q is there twice", result.Key())
		}
		seen[result.Key()] = true
		list.Results = append(list.Results, result)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	if len(list.Results) == 0 {
		return nil, errors.New("there are no results")
	}
	return list, nil
}

// String is the list as Parse reads it.
func (l *List) String() string {
	var b strings.Builder
	if l.About != "" {
		b.WriteString(remark + l.About + "\n")
	}
	for _, r := range l.Results {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}

// Outcomes is the list by key.
func (l *List) Outcomes() map[string]string {
	outcomes := make(map[string]string, len(l.Results))
	for _, r := range l.Results {
		outcomes[r.Key()] = r.Outcome
	}
	return outcomes
}
