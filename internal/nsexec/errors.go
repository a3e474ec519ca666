package nsexec

import (
	"fmt"
	"syscall"
)

func explainClone(err error) error { return fmt.Errorf("making namespaces: %w", err) }

func (c *Child) explain(r report) error {
	if int(r.Step) < len(c.prog.steps) {
		return fmt.Errorf("%s: %w", c.prog.steps[r.Step].doing, syscall.Errno(r.Errno))
	}
	return fmt.Errorf("report %v", r)
}
