package record

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// encoder writes the JSON that package json would, without looking at types first: in a
// process that does it once or twice, that took as long as all else of a record together, and
// memory that a supervisor keeps. Tests compare the two.
type encoder struct {
	text  []byte
	begun bool // a comma precedes what comes next
}

func (i *Info) encode() []byte {
	e := &encoder{text: make([]byte, 0, 1024)}
	e.open('{')
	e.str("name", i.Name)
	e.optional("version", i.Version)
	e.num("supervisor", i.Supervisor)
	e.num("pid", i.PID)
	e.time("created", i.Created)
	if !i.Started.IsZero() {
		e.time("started", i.Started)
	}
	e.strs("command", i.Command)
	e.optional("rootfs", i.Rootfs)
	e.optional("hostname", i.Hostname)
	e.optional("user", i.User)
	e.key("network")
	i.Network.encode(e)
	e.flag("detached", i.Detached)
	e.flag("terminal", i.Terminal)
	e.flag("interactive", i.Interactive)
	e.optional("cgroup", i.Cgroup)
	if len(i.Labels) > 0 {
		e.key("labels")
		e.open('{')
		for _, key := range slices.Sorted(maps.Keys(i.Labels)) {
			e.str(key, i.Labels[key])
		}
		e.close('}')
	}
	if i.Ended != nil {
		e.key("ended")
		e.open('{')
		e.num("code", i.Ended.Code)
		e.time("time", i.Ended.Time)
		e.close('}')
	}
	e.close('}')
	return e.text
}

func (n *Network) encode(e *encoder) {
	e.open('{')
	e.str("kind", n.Kind)
	e.addr("address", n.Address)
	e.addr("address6", n.Address6)
	e.addr("gateway", n.Gateway)
	if len(n.Ports) > 0 {
		e.key("ports")
		e.open('[')
		for _, p := range n.Ports {
			e.next()
			e.open('{')
			e.addr("host", p.Host)
			e.num("hostPort", int(p.HostPort))
			e.num("port", int(p.Port))
			e.str("protocol", p.Protocol)
			e.close('}')
		}
		e.close(']')
	}
	e.close('}')
}

func (e *encoder) open(bracket byte) {
	e.text = append(e.text, bracket)
	e.begun = false
}

func (e *encoder) close(bracket byte) {
	e.text = append(e.text, bracket)
	e.begun = true
}

func (e *encoder) next() {
	if e.begun {
		e.text = append(e.text, ',')
	}
	e.begun = true
}

func (e *encoder) key(key string) {
	e.next()
	e.text = append(appendString(e.text, key), ':')
}

func (e *encoder) str(key, value string) {
	e.key(key)
	e.text = appendString(e.text, value)
}

func (e *encoder) optional(key, value string) {
	if value != "" {
		e.str(key, value)
	}
}

func (e *encoder) strs(key string, values []string) {
	e.key(key)
	e.open('[')
	for _, value := range values {
		e.next()
		e.text = appendString(e.text, value)
	}
	e.close(']')
}

func (e *encoder) num(key string, value int) {
	e.key(key)
	e.text = strconv.AppendInt(e.text, int64(value), 10)
}

func (e *encoder) flag(key string, value bool) {
	e.key(key)
	e.text = strconv.AppendBool(e.text, value)
}

func (e *encoder) time(key string, value time.Time) {
	e.key(key)
	e.text = append(value.AppendFormat(append(e.text, '"'), time.RFC3339Nano), '"')
}

func (e *encoder) addr(key string, value netip.Addr) {
	if value.IsValid() {
		e.str(key, value.String()) // a zone may be anything
	}
}

// appendString escapes what RFC 8259, section 7, wants to have escaped. What is not UTF-8 becomes
// U+FFFD.
func appendString(to []byte, text string) []byte {
	const digits = "0123456789abcdef"
	to = append(to, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			to = append(to, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}
