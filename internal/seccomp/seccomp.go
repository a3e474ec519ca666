package seccomp

import (
	_ "embed"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// defaultProfile is Docker's, one rule a line.
//
//go:embed default.json
var defaultProfile string

// Default returns the filter that Docker's default profile makes for a container
// with these capabilities, called as in capabilities(7): "CAP_CHOWN". With those that a
// container of unc's has by default it costs a copy; some that change what the profile
// says, and it is compiled.
func Default(caps []string) ([]unix.SockFilter, error) {
	if isDefault(caps) {
		return slices.Clone(native.filter), nil
	}
	filter, err := compileText([]byte(defaultProfile), caps)
	if err != nil {
		return nil, fmt.Errorf("compiling the default seccomp profile: %w", err)
	}
	return filter, nil
}

// Load returns the filter that the profile in a file makes for a container with
// these capabilities. Whatever the profile says, foreign architectures are
// refused, and so are the ioctls that type into a terminal.
func Load(path string, caps []string) ([]unix.SockFilter, error) {
	text, err := readProfile(path)
	if err != nil {
		return nil, fmt.Errorf("reading seccomp profile %q: %w", path, err)
	}
	filter, err := compileText(text, caps)
	if err != nil {
		return nil, fmt.Errorf("compiling seccomp profile %q: %w", path, err)
	}
	return filter, nil
}

// isDefault tells whether the default profile says the same for caps as for those
// that native.filter was made for. It asks for some capabilities only.
func isDefault(caps []string) bool {
	for _, a := range askedCaps {
		if slices.Contains(caps, a.name) != a.held {
			return false
		}
	}
	return native.filter != nil
}

// compileText makes the filter of this machine from the text of a profile.
func compileText(text []byte, caps []string) ([]unix.SockFilter, error) {
	p, err := parse(text)
	if err != nil {
		return nil, err
	}
	kernel, err := runningKernel()
	if err != nil {
		return nil, err
	}
	return compile(p, host{arch: &native, kernel: kernel, caps: caps})
}
