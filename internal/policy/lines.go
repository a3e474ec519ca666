package policy

import (
	"errors"
	"fmt"
	"strings"
)

// scan hands every KEY=value of the text to set, and returns in which line each
// key was. Its errors, and those of set, begin with the number of the line.
func scan(text string, set func(key, value string) error) (lines map[string]int, err error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, err := split(line)
		if before, twice := lines[key]; twice && err == nil {
			err = fmt.Errorf("%s is in line %d already", key, before)
		}
		if err == nil {
			err = set(key, value)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if lines == nil {
			lines = map[string]int{}
		}
		lines[key] = number
	}
	return lines, nil
}

func split(line string) (key, value string, err error) {
	key, value, found := strings.Cut(line, "=")
	key = strings.TrimRight(key, " \t")
	if !found || key == "" {
		return "", "", fmt.Errorf("%.64q is not KEY=value", line)
	}
	if value, err = unquote(strings.TrimLeft(value, " \t")); err != nil {
		return "", "", fmt.Errorf("%.64q: %w", key, err)
	}
	return key, value, nil
}

var (
	errNoValue = errors.New("no value; without the line, the default counts")
	errQuotes  = errors.New("quotes go around a whole value, and have none of their kind inside")
	errComment = errors.New("a comment goes into a line of its own")
)

// unquote takes the quotes off a value.
func unquote(value string) (string, error) {
	bare := value
	if value != "" && strings.ContainsAny(value[:1], `"'`) {
		quote, last := value[0], len(value)-1
		if last == 0 || value[last] != quote || strings.IndexByte(value[1:last], quote) >= 0 {
			return "", errQuotes
		}
		bare = value[1:last]
	} else if strings.ContainsAny(value, `"'`) {
		return "", errQuotes
	}
	for _, begin := range []string{" #", "\t#", " ;", "\t;"} {
		if strings.Contains(bare, begin) {
			return "", errComment
		}
	}
	if bare == "" {
		return "", errNoValue
	}
	return bare, nil
}
