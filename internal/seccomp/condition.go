package seccomp

import (
	"fmt"
	"math"
)

// condition compares an argument of a system call, all 64 bits of it, with a value.
type condition struct {
	arg   uint
	op    operator
	mask  uint64 // of the argument; all ones but for maskedEqual
	value uint64
}

type operator uint8

// The order is that of libseccomp among rules that could all match (precedence).
const (
	equal operator = iota
	notEqual
	maskedEqual
	less
	lessOrEqual
	greaterOrEqual
	greater
)

// argCount is how many a system call has at most.
const argCount = 6

func (a *argument) condition() (condition, error) {
	c := condition{arg: a.Index, mask: math.MaxUint64, value: a.Value}
	if a.Index >= argCount {
		return c, fmt.Errorf("argument %d: they are numbered 0 to %d", a.Index, argCount-1)
	}
	switch a.Op {
	case "SCMP_CMP_EQ":
		c.op = equal
	case "SCMP_CMP_NE":
		c.op = notEqual
	case "SCMP_CMP_LT":
		c.op = less
	case "SCMP_CMP_LE":
		c.op = lessOrEqual
	case "SCMP_CMP_GE":
		c.op = greaterOrEqual
	case "SCMP_CMP_GT":
		c.op = greater
	case "SCMP_CMP_MASKED_EQ":
		// Bits of the value outside the mask don't count (libseccomp's _db_node_mask_fixup).
		c.op, c.mask, c.value = maskedEqual, a.Value, a.Value&a.ValueTwo
	case "":
		return c, fmt.Errorf("argument %d: the op is missing", a.Index)
	default:
		return c, fmt.Errorf("argument %d: op %q is not known", a.Index, a.Op)
	}
	return c, nil
}

// holds is told the argument under the mask.
func (c condition) holds(masked uint64) bool {
	switch c.op {
	case notEqual:
		return masked != c.value
	case less:
		return masked < c.value
	case lessOrEqual:
		return masked <= c.value
	case greaterOrEqual:
		return masked >= c.value
	case greater:
		return masked > c.value
	}
	return masked == c.value
}

// turns appends where, going up from zero, holds changes: at the value, right
// after it, or both.
func (c condition) turns(at []uint64) []uint64 {
	if c.op != lessOrEqual && c.op != greater {
		at = append(at, c.value)
	}
	if c.op != less && c.op != greaterOrEqual && c.value < math.MaxUint64 {
		at = append(at, c.value+1)
	}
	return at
}
