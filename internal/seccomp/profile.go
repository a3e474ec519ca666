package seccomp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// maxProfile is how much of a file is read, in bytes: Docker's own has 18,000.
const maxProfile = 1 << 20

// profile is Docker's format, which is the OCI runtime specification's with
// conditions for whole rules. Fields that it doesn't know are left alone, as Docker
// leaves them.
type profile struct {
	DefaultAction   string   `json:"defaultAction"`
	DefaultErrnoRet *uint    `json:"defaultErrnoRet"`
	Flags           []string `json:"flags"`
	Syscalls        []rule   `json:"syscalls"`
}

type rule struct {
	Names    []string   `json:"names"`
	Name     string     `json:"name"` // of old profiles
	Action   string     `json:"action"`
	ErrnoRet *uint      `json:"errnoRet"`
	Args     []argument `json:"args"`
	Includes *needs     `json:"includes"`
	Excludes *needs     `json:"excludes"`
}

type argument struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo"`
	Op       string `json:"op"`
}

// readProfile reads a regular file, and waits for nothing else to open.
func readProfile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return rawio.ReadRegular(fd, maxProfile)
}

// parse reads a profile. What it means is seen to by collect.
func parse(text []byte) (*profile, error) {
	var p profile
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, explainJSON(text, err)
	}
	if p.DefaultAction == "" && len(p.Syscalls) == 0 {
		// Docker takes this for no profile at all.
		return nil, errors.New("it has no defaultAction and no syscalls, and would refuse nothing")
	}
	for _, flag := range p.Flags {
		switch flag {
		case "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
			// The first two say what unc does anyhow, and the third is about notifying.
		default:
			return nil, fmt.Errorf("flag %q is not known", flag)
		}
	}
	return &p, nil
}

// explainJSON says where in a profile the error is.
func explainJSON(text []byte, err error) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		offset int64
	)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
		err = fmt.Errorf("%s is a JSON %s, which it can't be", kind.Field, kind.Value)
		if kind.Field == "" {
			err = fmt.Errorf("it is a JSON %s, and not an object", kind.Value)
		}
	default:
		return err
	}
	offset = min(max(offset, 0), int64(len(text)))
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:offset], []byte{'\n'}), err)
}
