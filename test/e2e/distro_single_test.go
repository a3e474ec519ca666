package e2e

import (
	"os"
	"strings"
	"testing"
)

// idsRow is a line of the list in docs/rootfs.md: a command, and with many ids and with
// one what it says when it fails, or nothing.
type idsRow struct{ what, command, many, one string }

// documentedIDs reads the list.
func documentedIDs(t *testing.T) []idsRow {
	t.Helper()
	text, err := os.ReadFile("../../docs/rootfs.md")
	must(t, err)
	_, rest, found := strings.Cut(string(text), "\n| what | command | with subordinate ids | with `--userns=single` |\n")
	if !found {
		t.Fatal("docs/rootfs.md has no list of commands")
	}
	var list []idsRow
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case strings.HasPrefix(line, "| ---"):
		case len(cells) == 4:
			for i, cell := range cells {
				if cell == "works" {
					cell = ""
				}
				cells[i] = strings.Trim(cell, "`")
			}
			list = append(list, idsRow{cells[0], cells[1], cells[2], cells[3]})
		case len(list) == 0 || strings.HasPrefix(line, "|"):
			t.Fatalf("docs/rootfs.md: %q is no line of the list", line)
		default:
			return list
		}
	}
	return list
}

// What does not work with one id, and with many, is what docs/rootfs.md says.
func TestTheDocumentedDifferenceOfIDs(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	debs := packages(t)
	many, one := d.debian(databaseServer...), debianOfOneUser(t, d.host)
	staysTheSame(t, many)
	staysTheSame(t, one)
	for _, row := range documentedIDs(t) {
		for _, ids := range []struct{ name, rootfs, says string }{{"auto", many, row.many}, {"single", one, row.one}} {
			t.Run(row.what+", "+ids.name, func(t *testing.T) {
				t.Parallel()
				d := d.of(t)
				got := d.run(d.unc("run", "--rootfs", ids.rootfs, "-x", "--userns="+ids.name, "--network", "none",
					"-v", debs+":/debs:ro", "-e", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", row.command))
				switch said := got.stdout + got.stderr; {
				case ids.says == "" && got.code != 0:
					t.Errorf("%s: exit code %d, want it to work: %s", row.command, got.code, said)
				case ids.says != "" && (got.code == 0 || !strings.Contains(said, ids.says)):
					t.Errorf("%s: exit code %d, want it to fail with %q: %s", row.command, got.code, ids.says, said)
				}
			})
		}
	}
}
