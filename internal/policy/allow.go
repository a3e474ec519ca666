package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// setAllow takes the list apart. Who they are is found out later: most files
// have no such list, and are read without a look at the users' databases.
func (s *Settings) setAllow(value string) error {
	s.policy.everybody = value == "*"
	if s.policy.everybody {
		return nil
	}
	s.allow = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	if len(s.allow) == 0 {
		return errors.New("want users and @groups, or *")
	}
	for _, who := range s.allow {
		name := strings.TrimPrefix(who, "@")
		switch {
		case name == "" || name == "*":
			return errors.New("want names after @, and * on its own")
		case strings.Contains(name, ":"): // it would reach into the next field of passwd(5)
			return fmt.Errorf("%.64q is not a name", name)
		}
		if isNumber(name) {
			if _, err := parseID(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func isNumber(name string) bool { return strings.Trim(name, "0123456789") == "" }

// parseID accepts a uid or gid in its canonical spelling, but not -1, which
// stands for none (setresuid(2)).
func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%.64q is not the number of a user or group", text)
	}
	return uint32(n), nil
}

// maxDatabase is how much of passwd(5) or group(5) is read, in bytes.
const maxDatabase = 16 << 20

// resolveAllow finds the numbers for the names.
func resolveAllow(p *Policy, allow []string, from files) error {
	users := database{path: from.passwd, kind: "user", getent: "passwd"}
	groups := database{path: from.group, kind: "group", getent: "group"}
	for _, who := range allow {
		name, isGroup := strings.CutPrefix(who, "@")
		in, ids := &users, &p.users
		if isGroup {
			in, ids = &groups, &p.groups
		}
		id, err := in.id(name)
		if err != nil {
			return err
		}
		*ids = append(*ids, id)
	}
	return nil
}

// database is passwd(5) or group(5): both have a name first and its number third.
type database struct {
	path, kind, getent string
	text               string // read for the first name that is asked for
}

func (d *database) id(name string) (uint32, error) {
	if isNumber(name) {
		return parseID(name)
	}
	if d.text == "" {
		text, err := rawio.ReadFile(d.path, maxDatabase)
		if err != nil {
			return 0, err
		}
		d.text = string(text)
	}
	for line := range strings.Lines(d.text) {
		rest, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		_, rest, _ = strings.Cut(rest, ":")
		number, _, _ := strings.Cut(rest, ":")
		id, err := parseID(strings.TrimSpace(number))
		if err != nil {
			return 0, fmt.Errorf("looking up %s %.64q in %q: %w", d.kind, name, d.path, err)
		}
		return id, nil
	}
	return 0, hint.With(fmt.Errorf("%s %.64q is not in %q", d.kind, name, d.path),
		"getent "+d.getent+" "+hint.Quote(name)+"    # if it is known from elsewhere, put its number into ALLOW")
}
