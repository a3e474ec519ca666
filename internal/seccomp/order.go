package seccomp

import (
	"cmp"
	"errors"
	"slices"
)

// order puts branches that could match together into libseccomp's order, which
// does not go by that of the profile (_db_chain_lt in its src/db.c): later arguments
// first, and what is narrower before what is wider. Where two have the
// same conditions and the answers differ, there is none.
func (v *verdict) order() error {
	slices.SortStableFunc(v.branches, precedence)
	for i := 1; i < len(v.branches); i++ {
		a, b := v.branches[i-1], v.branches[i]
		if slices.Equal(a.conditions, b.conditions) && a.answer != b.answer {
			return errors.New("two rules have the same arguments and different actions")
		}
	}
	return nil
}

// precedence compares branches as the paths that they are in libseccomp's tree.
func precedence(a, b branch) int {
	for i := range min(len(a.conditions), len(b.conditions)) {
		c, d := a.conditions[i], b.conditions[i]
		byValue := cmp.Compare(d.value, c.value)
		if c.op.class() == less {
			byValue = -byValue
		}
		if by := cmp.Or(
			cmp.Compare(d.arg, c.arg),
			cmp.Compare(c.op.class(), d.op.class()),
			byValue,
			cmp.Compare(c.op, d.op),
			cmp.Compare(d.mask, c.mask),
		); by != 0 {
			return by
		}
	}
	// What comes to its end first leaves nothing to the other.
	return cmp.Compare(len(a.conditions), len(b.conditions))
}

// class is how narrow an operator is.
func (op operator) class() operator {
	switch op {
	case notEqual, maskedEqual:
		return equal
	case lessOrEqual:
		return less
	case greater:
		return greaterOrEqual
	}
	return op
}
