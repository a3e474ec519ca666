package netplumb

import (
	"unc/internal/filter"
	"unc/internal/hint"
)

// goWithout is the way out that everybody has: these two take no net-setup.
const goWithout = "go without: unc run --network none ..., or with the host's own: unc run --network host ..."

// orGoWithout adds that way out to the hints of an error.
func orGoWithout(err error) error { return hint.With(err, append(hint.Of(err), goWithout)...) }

// Modules are the kernel's modules that bridge, pairs and packet filter take.
func Modules() []string { return append([]string{"bridge", "veth"}, filter.Modules()...) }
