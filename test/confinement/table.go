package confinement

import (
	"fmt"
	"slices"
	"strings"
)

// Column is a confinement as the table shows it.
type Column struct {
	Name string
	List *List
}

// row is several tries with the same verb and the same outcomes.
type row struct {
	verb     string
	objects  []string
	outcomes []string
}

// Table is Markdown: for each group a table with a row for each try, or for several that
// came out alike. The order of tries is that of the first column. What nobody can do, nor
// root outside on the same kernel, is listed at the end. Yes is bold where the first column has it and
// the second has not.
func Table(root *List, columns []Column) string {
	var b strings.Builder
	b.WriteString("Recorded by:\n\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "- %s\n", cell(c.List.About))
	}
	fmt.Fprintf(&b, "- %s\n\n", cell(root.About))
	able := root.Outcomes()
	group := ""
	var rows, unable []row
	flush := func() {
		if len(rows) > 0 {
			writeGroup(&b, group, columns, rows)
		}
		rows = nil
	}
	outcomes := make([]map[string]string, len(columns))
	for i, c := range columns {
		outcomes[i] = c.List.Outcomes()
	}
	for _, r := range columns[0].List.Results {
		if r.Group != group {
			flush()
			group = r.Group
		}
		var all []string
		for i := range columns {
			all = append(all, outcomes[i][r.Key()])
		}
		if reason := able[r.Key()]; isNo(reason) && !slices.ContainsFunc(all, func(o string) bool { return o != reason }) {
			unable = add(unable, r, []string{reason})
			continue
		}
		rows = add(rows, r, all)
	}
	flush()
	if len(unable) > 0 {
		b.WriteString("## Not known\n\nWhere this was recorded nobody could do these, not even root outside of a container:\n\n")
	}
	for _, w := range unable {
		fmt.Fprintf(&b, "- %s: %s\n", cell(w.what()), cell(w.outcomes[0]))
	}
	return b.String()
}

// add puts a try into the row of its like, or into a new one.
func add(rows []row, r Result, outcomes []string) []row {
	at := slices.IndexFunc(rows, func(w row) bool { return w.verb == r.Verb && slices.Equal(w.outcomes, outcomes) })
	if at < 0 || r.Object == "" {
		return append(rows, row{r.Verb, []string{r.Object}, outcomes})
	}
	rows[at].objects = append(rows[at].objects, r.Object)
	return rows
}

// what names all tries of a row.
func (w row) what() string {
	verb := w.verb
	if !strings.HasSuffix(verb, "/") { // the objects complete it
		verb += " "
	}
	return strings.TrimSpace(verb + strings.Join(w.objects, ", "))
}

func writeGroup(b *strings.Builder, group string, columns []Column, rows []row) {
	fmt.Fprintf(b, "## %s\n\n|", group)
	for _, c := range columns {
		fmt.Fprintf(b, " | %s", c.Name)
	}
	fmt.Fprintf(b, " |\n| ---%s |\n", strings.Repeat(" | ---", len(columns)))
	for _, w := range rows {
		fmt.Fprintf(b, "| %s", cell(w.what()))
		for i, outcome := range w.outcomes {
			if i == 0 && outcome == Yes && len(w.outcomes) > 1 && w.outcomes[1] != Yes {
				outcome = "**" + outcome + "**"
			}
			fmt.Fprintf(b, " | %s", cell(outcome))
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n")
}

// cell keeps Markdown from reading a cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "_", `\_`, "<", "&lt;").Replace(s)
}
