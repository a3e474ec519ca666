package seccomp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// host is what the rules of a profile may ask for.
type host struct {
	arch   *arch
	kernel kernelVersion
	caps   []string
}

// kernelVersion is "6.1" of a kernel's release.
type kernelVersion struct{ major, minor uint8 }

func (v kernelVersion) atLeast(other kernelVersion) bool {
	return v.major > other.major || v.major == other.major && v.minor >= other.minor
}

// UnmarshalText reads a profile's minKernel. The release of a running kernel goes
// on after the second number, a profile's mustn't.
func (v *kernelVersion) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil // as Docker has it: any kernel
	}
	parsed, rest, ok := parseKernel(string(text))
	if !ok || rest != "" || parsed == (kernelVersion{}) {
		return fmt.Errorf("minKernel %q is no kernel version like \"6.1\"", text)
	}
	*v = parsed
	return nil
}

func parseKernel(release string) (v kernelVersion, rest string, ok bool) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest
	if end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		minor = rest[:end]
	}
	first, err1 := strconv.ParseUint(major, 10, 8)
	second, err2 := strconv.ParseUint(minor, 10, 8)
	return kernelVersion{uint8(first), uint8(second)}, rest[len(minor):], err1 == nil && err2 == nil
}

func runningKernel() (kernelVersion, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return kernelVersion{}, fmt.Errorf("asking for the kernel's version: %w", err)
	}
	release := unix.ByteSliceToString(uts.Release[:])
	v, _, ok := parseKernel(release)
	if !ok {
		return v, fmt.Errorf("the kernel's release %q is no version", release)
	}
	return v, nil
}

// needs is what a rule of a profile includes or excludes hosts by.
type needs struct {
	Caps      []string       `json:"caps"`
	Arches    []string       `json:"arches"`
	MinKernel *kernelVersion `json:"minKernel"`
}

// applies follows Docker's reading: every capability that is included must be
// there, but one that is excluded is enough to leave the rule out.
func (h host) applies(r *rule) bool {
	if in := r.Includes; in != nil {
		switch {
		case len(in.Arches) > 0 && !slices.Contains(in.Arches, h.arch.docker),
			slices.ContainsFunc(in.Caps, func(c string) bool { return !slices.Contains(h.caps, c) }),
			in.MinKernel != nil && !h.kernel.atLeast(*in.MinKernel):
			return false
		}
	}
	if out := r.Excludes; out != nil {
		switch {
		case slices.Contains(out.Arches, h.arch.docker),
			slices.ContainsFunc(out.Caps, func(c string) bool { return slices.Contains(h.caps, c) }),
			out.MinKernel != nil && h.kernel.atLeast(*out.MinKernel):
			return false
		}
	}
	return true
}
