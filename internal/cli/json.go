package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// printJSON prints it for programs, and for a person who looks: indented, and with a && to be read.
func printJSON(to io.Writer, v any) error {
	text, err := marshal(v, "  ")
	if err == nil {
		_, err = io.WriteString(to, text+"\n")
	}
	return err
}

// marshal does what package json does, with nothing in it that a terminal acts on.
func marshal(v any, indent string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return escapeControls(strings.TrimSuffix(b.String(), "\n")), err
}

// escapeControls writes as escapes what package json leaves of the characters that a terminal
// acts on: DEL, and the second set of ISO 6429. They can only be in strings.
func escapeControls(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r >= 0x7f && r < 0xa0 {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
