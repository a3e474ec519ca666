package manual

import (
	"fmt"
	"strings"
)

// policy is unc-network.conf(5): each paragraph of the sample that ends in a key is about
// that key, and what stands before the first one about the file.
func policy(sample string) (string, error) {
	r := newRoff("unc-network.conf", 5, "File Formats")
	r.section("NAME")
	r.WriteString("unc\\-network.conf \\- what root allows and sets for the network of unc's containers\n")
	r.section("SYNOPSIS")
	r.WriteString(italic("/etc/unc/network.conf") + "\n")
	r.section("DESCRIPTION")
	paragraphs := strings.Split(strings.TrimSpace(sample), "\n\n")
	keys := 0
	for _, paragraph := range paragraphs {
		var text []string
		key, value, found := "", "", false
		for line := range strings.Lines(paragraph) {
			line, isComment := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#")
			switch {
			case !isComment:
				return "", fmt.Errorf("the sample sets something: %q", line)
			case line == "" || line[0] == ' ':
				text = append(text, strings.TrimPrefix(line, " "))
			default:
				key, value, found = strings.Cut(line, "=")
			}
		}
		switch {
		case found && keys == 0:
			r.section("KEYS")
			fallthrough
		case found:
			keys++
			r.item(bold(key)+"="+italic(value), strings.Join(text, " "))
		case keys > 0:
			return "", fmt.Errorf("a paragraph of the sample has no key: %q", paragraph)
		default:
			prose(r, text)
		}
	}
	if keys == 0 {
		return "", fmt.Errorf("there is no key in the sample")
	}
	r.section("SEE ALSO")
	r.WriteString("\\fBunc\\fR(1),\n\\fBunc\\-net\\fR(1)\n")
	return r.String(), nil
}

// prose writes paragraphs, and indented lines among them as an example.
func prose(r *roff, lines []string) {
	var text []string
	flush := func() {
		if len(text) > 0 {
			r.text(strings.Join(text, " "))
			text = nil
		}
	}
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "    "):
			flush()
			r.example("", strings.TrimSpace(line))
		case strings.TrimSpace(line) == "":
			flush()
		default:
			text = append(text, line)
		}
	}
	flush()
}
