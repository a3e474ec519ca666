package nsexec

import "fmt"

// bug ends the program where only a mistake in unc itself can lead.
func bug(format string, args ...any) {
	panic("unc has a bug: " + fmt.Sprintf(format, args...))
}
