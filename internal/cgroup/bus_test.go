package cgroup

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// bus is a message bus with a systemd on it, or without, as far as scope.go talks to them.
type bus struct {
	t       *testing.T
	address string

	hasSystemd bool
	knows      []string                  // the properties that a scope can have
	result     string                    // of the job
	silent     bool                      // the job has no end
	start      func(name string)         // the scope is made
	asked      []map[string]dbus.Variant // the properties of each attempt
}

// newBus listens on a socket until the test ends.
func newBus(t *testing.T) *bus {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // not t.TempDir, whose name can be too long for a socket
	must(t, err)
	listener, err := net.Listen("unix", dir+"/s")
	must(t, err)
	b := &bus{
		t: t, address: "unix:path=" + dir + "/s", hasSystemd: true, result: "done",
		knows: []string{"Description", "PIDs", "Delegate", "CollectMode", "OOMPolicy"},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		os.RemoveAll(dir)
	})
	return b
}

// serve has one conversation, to its end.
func (b *bus) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	for { // D-Bus Specification, "Authentication Protocol"
		line, err := in.ReadString('\n')
		line = strings.Trim(line, "\x00\r\n")
		switch {
		case err != nil:
			return
		case line == "AUTH":
			say("REJECTED EXTERNAL")
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			say("OK 0123456789abcdef0123456789abcdef")
		case line == "NEGOTIATE_UNIX_FD":
			say("ERROR")
		case line == "BEGIN":
			b.answer(conn, in)
			return
		}
	}
}

func (b *bus) answer(conn io.Writer, in io.Reader) {
	send := func(m *dbus.Message) { _ = m.EncodeTo(conn, binary.LittleEndian) }
	for {
		call, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		reply := func(values ...any) {
			m := &dbus.Message{Type: dbus.TypeMethodReply, Body: values, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
			}}
			if len(values) > 0 {
				m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(values...))
			}
			send(m)
		}
		refuse := func(name string) {
			send(&dbus.Message{Type: dbus.TypeError, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
				dbus.FieldErrorName:   dbus.MakeVariant("org.freedesktop.DBus.Error." + name),
			}})
		}
		member, _ := call.Headers[dbus.FieldMember].Value().(string)
		switch member {
		case "Hello":
			reply(":1.7")
		case "AddMatch":
			reply()
		case "Subscribe", "StartTransientUnit":
			switch {
			case !b.hasSystemd:
				refuse("ServiceUnknown")
			case member == "Subscribe":
				reply()
			default:
				b.startUnit(call, reply, refuse, send)
			}
		default:
			b.t.Errorf("unexpected call of %s", member)
			refuse("UnknownMethod")
		}
	}
}

func (b *bus) startUnit(call *dbus.Message, reply func(...any), refuse func(string), send func(*dbus.Message)) {
	var (
		name, mode string
		properties []property
		aux        []auxiliary
	)
	if err := dbus.Store(call.Body, &name, &mode, &properties, &aux); err != nil {
		b.t.Errorf("StartTransientUnit: %v", err)
	}
	asked := map[string]dbus.Variant{}
	b.asked = append(b.asked, asked)
	for _, p := range properties {
		if !slices.Contains(b.knows, p.Name) {
			refuse("PropertyReadOnly")
			return
		}
		asked[p.Name] = p.Value
	}
	job := dbus.ObjectPath("/org/freedesktop/systemd1/job/42")
	reply(job)
	b.start(name)
	ended := func(path dbus.ObjectPath, unit, result string) {
		body := []any{uint32(42), path, unit, result}
		send(&dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath(systemdPath)),
			dbus.FieldInterface: dbus.MakeVariant(managerIface),
			dbus.FieldMember:    dbus.MakeVariant("JobRemoved"),
			dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
		}})
	}
	ended("/org/freedesktop/systemd1/job/41", "other.service", "failed") // not ours
	if !b.silent {
		ended(job, name, b.result)
	}
}
