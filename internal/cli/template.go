package cli

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
	"text/template"
	tree "text/template/parse"
)

// templateText is a Go template (text/template) that shows one thing after the other. As for podman
// and Docker, \t and \n between its actions are a tab and a line end, and the word "table" before
// it asks for a heading, and for columns where the tabs are.
type templateText struct {
	text    string
	isTable bool
	*template.Template
}

const tableWord = "table"

// UnmarshalText parses it.
func (t *templateText) UnmarshalText(text []byte) (err error) {
	t.text = string(text)
	rest, found := strings.CutPrefix(t.text, tableWord+" ")
	t.isTable = found || t.text == tableWord
	t.Template, err = template.New("format").Funcs(template.FuncMap{
		"json": func(v any) (string, error) { return marshal(v, "") },
	}).Parse(rest)
	if err == nil && t.Tree != nil {
		unescape(t.Root)
	}
	return err
}

// check refuses what has the name of a field that there is not, before anything is looked up or
// printed. What else can't be done with a sample may be possible with a container.
func (t *templateText) check(sample any) error {
	if t.Template == nil {
		return nil
	}
	err := t.Execute(io.Discard, sample)
	if err == nil {
		return nil
	}
	_, what, unknown := strings.Cut(err.Error(), "can't evaluate field ")
	if !unknown {
		return nil
	}
	field, in, _ := strings.Cut(what, " in type ")
	err = fmt.Errorf("there is no field .%s", field)
	if kind := reflect.TypeOf(sample); in == kind.String() {
		err = fmt.Errorf("%w; there are %s", err, fieldsOf(kind))
	}
	return about("--format", t.text, err)
}

// fieldsOf lists the fields of a struct as a template names them.
func fieldsOf(kind reflect.Type) string {
	var list []string
	for _, f := range reflect.VisibleFields(kind) {
		list = append(list, "."+f.Name)
	}
	return strings.Join(list, ", ")
}

// printEach prints each of a list in a line of its own, or in several.
func printEach[T any](to io.Writer, t *templateText, list []T) error {
	if !t.isTable {
		return printLines(to, t, list)
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, t.heading())
	if err := printLines(w, t, list); err != nil {
		return err
	}
	return w.Flush()
}

func printLines[T any](to io.Writer, t *templateText, list []T) error {
	for _, one := range list {
		var b strings.Builder // what can't be shown is not shown in part
		if err := t.Execute(&b, one); err != nil {
			return about("--format", t.text, err)
		}
		if _, err := fmt.Fprintln(to, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// heading has the name of the field that an action shows, or asks about, in its place.
func (t *templateText) heading() string {
	var b strings.Builder
	for _, node := range t.Root.Nodes {
		switch n := node.(type) {
		case *tree.TextNode:
			b.Write(n.Text)
		case *tree.ActionNode:
			if len(n.Pipe.Decl) == 0 { // else nothing is shown
				b.WriteString(fieldOf(n.Pipe))
			}
		case *tree.IfNode:
			b.WriteString(fieldOf(n.Pipe))
		case *tree.WithNode:
			b.WriteString(fieldOf(n.Pipe))
		case *tree.RangeNode:
			b.WriteString(fieldOf(n.Pipe))
		}
	}
	return b.String()
}

// fieldOf is the first field that comes up, in capitals.
func fieldOf(node tree.Node) string {
	switch n := node.(type) {
	case *tree.FieldNode:
		return strings.ToUpper(n.Ident[0])
	case *tree.ChainNode:
		return fieldOf(n.Node)
	case *tree.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				if name := fieldOf(arg); name != "" {
					return name
				}
			}
		}
	}
	return ""
}

// unescape makes tabs and line ends of what a shell passes on as two characters. Those in the
// strings of an action are the template's own.
func unescape(list *tree.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		branch := (*tree.BranchNode)(nil)
		switch n := node.(type) {
		case *tree.TextNode:
			n.Text = []byte(strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(string(n.Text)))
		case *tree.IfNode:
			branch = &n.BranchNode
		case *tree.WithNode:
			branch = &n.BranchNode
		case *tree.RangeNode:
			branch = &n.BranchNode
		}
		if branch != nil {
			unescape(branch.List)
			unescape(branch.ElseList)
		}
	}
}
