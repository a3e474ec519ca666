package record

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// Info is what is recorded of a container, and what unc inspect prints. Names and meaning of
// the fields stay; what a version doesn't know, it ignores.
type Info struct {
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty"` // of the supervisor's unc
	Supervisor  int               `json:"supervisor"`        // process number; 0 as long as nothing is recorded
	PID         int               `json:"pid"`               // the container's first process, as the host counts
	Created     time.Time         `json:"created"`           // when it was claimed
	Started     time.Time         `json:"started,omitzero"`  // when the command ran
	Command     []string          `json:"command"`           // with its arguments
	Rootfs      string            `json:"rootfs,omitempty"`  // empty: a copy of this machine's system
	Hostname    string            `json:"hostname,omitempty"`
	User        string            `json:"user,omitempty"` // as it was asked for; empty: root, or with --userns=keep-id who started it
	Network     Network           `json:"network"`
	Detached    bool              `json:"detached"`
	Terminal    bool              `json:"terminal"`         // the command has one
	Interactive bool              `json:"interactive"`      // somebody can write to what it reads
	Cgroup      string            `json:"cgroup,omitempty"` // path of its control group
	Labels      map[string]string `json:"labels,omitempty"`
	Ended       *Ended            `json:"ended,omitempty"` // of one that is kept
}

// Network is what a container has of it.
type Network struct {
	Kind     string     `json:"kind"` // as --network has it
	Address  netip.Addr `json:"address,omitzero"`
	Address6 netip.Addr `json:"address6,omitzero"`
	Gateway  netip.Addr `json:"gateway,omitzero"`
	Ports    []Port     `json:"ports,omitempty"`
}

// Port is a published one.
type Port struct {
	Host     netip.Addr `json:"host,omitzero"` // one of the host, or 0.0.0.0 or ::, all of a family
	HostPort uint16     `json:"hostPort"`
	Port     uint16     `json:"port"`     // in the container
	Protocol string     `json:"protocol"` // tcp or udp
}

// Ended is how a container ended that is kept.
type Ended struct {
	Code int       `json:"code"` // as unc run would have exited
	Time time.Time `json:"time"`
}

// maxInfo bounds record.json, in bytes.
const maxInfo = 1 << 20

// text is what is written. A command line can be longer than all of it may be (execve(2),
// "Limits on size of arguments and environment"), and is cut then.
func (i *Info) text() ([]byte, error) {
	text := i.encode()
	if len(text) > maxInfo && len(i.Command) > 0 {
		cut := *i
		first := i.Command[0]
		cut.Command = []string{first[:min(len(first), 4096)], "..."}
		text = cut.encode()
	}
	if len(text) > maxInfo {
		return nil, fmt.Errorf("it takes more than %d bytes", maxInfo) // of labels
	}
	return text, nil
}

// parseInfo reads what text returned, of the record called name.
func parseInfo(name string, text []byte) (*Info, error) {
	i := &Info{}
	if err := json.Unmarshal(text, i); err != nil {
		return nil, err
	}
	if i.Name != name {
		return nil, fmt.Errorf("it is of %.80q", i.Name)
	}
	return i, nil
}

// readInfo reads the record in a directory. Where there is none yet, the error is ENOENT.
func readInfo(dir int, name string) (*Info, error) {
	// Non-blocking, or a FIFO would wait for its other end.
	fd, err := openBelow(dir, infoFile, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the record of %q: %w", name, err)
	}
	defer unix.Close(fd)
	text, err := rawio.ReadRegular(fd, maxInfo)
	if err != nil {
		return nil, fmt.Errorf("reading the record of %q: %w", name, err)
	}
	i, err := parseInfo(name, text)
	if err != nil {
		return nil, fmt.Errorf("reading the record of %q: %w", name, err)
	}
	return i, nil
}
