package doctor

import (
	"fmt"

	"unc/internal/filecap"
)

// fileCapability looks for each way to lose the capability, for more than one can be
// true. Whether it is granted in the end, net-setup tells.
func (m *machine) fileCapability() []Finding {
	path := filecap.Path()
	return []Finding{
		judged("file-capability", filecap.CheckFile(), fmt.Sprintf("%q has cap_net_admin", path)),
		judged("mount", filecap.CheckMount(), fmt.Sprintf("%q is on a file system where it counts", path)),
		judged("bounding-set", filecap.CheckBounding(), "CAP_NET_ADMIN can be gained"),
		judged("no-new-privs", filecap.CheckNoNewPrivs(), "not set"),
		judged("tracing", filecap.CheckTracer(), "unc is not traced"),
	}
}
