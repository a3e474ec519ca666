package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every flag has a sentence, and every sentence a flag.
func TestHelp(t *testing.T) {
	var g grammar
	parser, err := kong.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	left := []string{"help", "version"} // kong has those
	for _, h := range help {
		if slices.Contains(left, h.name) {
			t.Errorf("%s is described twice", h.name)
		}
		left = append(left, h.name)
	}
	var found []string
	eachArgument(parser.Model.Node, func(command, name string, _ *kong.Value) {
		found = append(found, name, command+" "+name)
	})
	for _, name := range found {
		if strings.Contains(name, " ") {
			continue
		}
		if !slices.Contains(left, name) {
			t.Errorf("nothing describes %s", name)
		}
	}
	for _, name := range left {
		if !slices.Contains(found, name) {
			t.Errorf("%s is described, and there is no such flag", name)
		}
	}
}
