package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"unc/internal/hint"
	"unc/internal/nsexec"
)

// parseVolume reads SRC:DST[:OPTIONS], options with commas between them.
func parseVolume(text string) (fileMount, error) {
	parts := strings.Split(text, ":")
	m := fileMount{Mount: nsexec.Mount{Kind: nsexec.Bind, Source: parts[0]}}
	switch {
	case len(parts) == 1 && path.IsAbs(text):
		return m, hint.With(errors.New("a volume is a source, a colon, and a path inside the container"),
			"unc run -v "+hint.Quote(text+":"+text)+" ...")
	case len(parts) == 1:
		return m, errors.New("a volume is a source, a colon, and a path inside the container")
	case len(parts) > 3, len(parts) == 3 && path.IsAbs(parts[2]):
		return m, hint.With(errors.New("a path with a colon in it has no place here"),
			"unc run --mount type=bind,src=SRC,dst=DST ...")
	case m.Source == "":
		return m, errors.New("there is nothing before the colon")
	case !strings.Contains(m.Source, "/") && !strings.HasPrefix(m.Source, "."):
		// To podman and Docker this is the name of a volume that they look after.
		return m, hint.With(fmt.Errorf("%q would be the name of a volume, of which unc has none", m.Source),
			"unc run -v "+hint.Quote("./"+text)+" ...    # the file or directory of that name")
	}
	m.Target = parts[1]
	if len(parts) == 3 {
		return m, new(mountOptions).setAll(&m.Mount, parts[2])
	}
	return m, nil
}

// parseTmpfs reads DST[:OPTIONS].
func parseTmpfs(text string) (fileMount, error) {
	target, options, given := strings.Cut(text, ":")
	m := fileMount{Mount: newTmpfs()}
	m.Target = target
	if given {
		return m, new(mountOptions).setAll(&m.Mount, options)
	}
	return m, nil
}

// newTmpfs has podman's defaults: noexec (podman-run(1), --tmpfs), and the mode that
// the kernel gives to one without any (tmpfs(5)).
func newTmpfs() nsexec.Mount {
	return nsexec.Mount{Kind: nsexec.Tmpfs, NoExec: true, Mode: 0o1777}
}

// parseMount reads type=bind,src=SRC,dst=DST and the like: fields with commas between
// them, quoted as in CSV where they have a comma themselves.
func parseMount(text string) (fileMount, error) {
	var m fileMount
	fields, err := csvFields(text)
	if err != nil {
		return m, err
	}
	// First of all the type, by which the other fields mean something or nothing.
	switch kind := mountType(fields); kind {
	case "bind":
		m.Kind = nsexec.Bind
	case "tmpfs":
		m.Mount = newTmpfs()
	case "":
		return m, errors.New("there is no type=bind or type=tmpfs")
	case "volume":
		return m, hint.With(errors.New("unc has no volumes with a name"), "unc run --mount type=bind,src=SRC,dst=DST ...    # SRC is a directory")
	default:
		return m, fmt.Errorf("a mount of type %q is not what unc makes: that is bind and tmpfs", kind)
	}
	var options mountOptions
	for _, field := range fields {
		if err := options.setField(&m.Mount, field); err != nil {
			return m, err
		}
	}
	if m.Kind == nsexec.Bind && m.Source == "" {
		return m, errors.New("there is no src=")
	}
	return m, nil
}

// mountType is what a field type= says, or nothing.
func mountType(fields []string) string {
	for _, field := range fields {
		if kind, found := strings.CutPrefix(field, "type="); found {
			return kind
		}
	}
	return ""
}

// csvFields takes one line of CSV apart.
func csvFields(text string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	fields, err := r.Read()
	var wrong *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("there are no fields in it")
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("reading it as CSV: %w", wrong.Err)
	case err != nil:
		return nil, fmt.Errorf("reading it as CSV: %w", err)
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one line")
	}
	return fields, nil
}

// setField sets what one field of --mount says.
func (o *mountOptions) setField(m *nsexec.Mount, field string) error {
	name, value, _ := strings.Cut(field, "=")
	into := &m.Target
	switch name {
	case "type":
		return o.once("type", field)
	case "src", "source":
		if m.Kind == nsexec.Tmpfs {
			return fmt.Errorf("%q means nothing for a tmpfs", field)
		}
		into = &m.Source
	case "dst", "destination", "target":
	default:
		return o.set(m, field)
	}
	if value == "" {
		return fmt.Errorf("%q has no value", field)
	}
	if *into != "" {
		return fmt.Errorf("%q is the second option about the same thing", field)
	}
	*into = value
	return nil
}
