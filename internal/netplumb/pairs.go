package netplumb

import (
	"fmt"
	"strconv"
	"strings"
)

// What crosses between unc and net-setup is one line of key="value" pairs each
// way, quoted as in Go. Decoding JSON would take as long as wiring up a container.

// appendPair adds a pair to a line.
func appendPair(line []byte, key, value string) []byte {
	if len(line) > 0 {
		line = append(line, ' ')
	}
	line = append(append(line, key...), '=')
	return strconv.AppendQuote(line, value)
}

// eachPair calls set for each pair of a line, until it returns an error.
func eachPair(line string, set func(key, value string) error) error {
	for rest := strings.TrimSuffix(line, "\n"); rest != ""; {
		key, after, found := strings.Cut(rest, "=")
		quoted, err := strconv.QuotedPrefix(after)
		if !found || err != nil {
			return fmt.Errorf("%.40q is no pair", rest)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return err
		}
		if err := set(key, value); err != nil {
			return err
		}
		rest = after[len(quoted):]
		if rest != "" && rest[0] != ' ' {
			return fmt.Errorf("%.40q after a pair", rest)
		}
		rest = strings.TrimPrefix(rest, " ")
	}
	return nil
}
