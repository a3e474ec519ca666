package seccomp

import (
	"errors"
	"fmt"
	"slices"
)

// maxConditions is how many a profile may have: a filter of as many instructions
// is the longest that the kernel takes.
const maxConditions = maxInstructions

// policy is what a profile says on one host, by numbers of system calls.
type policy struct {
	otherwise answer
	calls     map[uint32]*verdict
	newest    uint32 // the highest number that the profile knows; 0 if it knows none
}

// verdict is what becomes of one system call.
type verdict struct {
	branches []branch // the first one that matches decides
	always   bool     // there are none
	answer   answer   // if always
}

// branch is an answer under conditions, all of which hold, one for an argument, in their order.
type branch struct {
	conditions []condition
	answer     answer
}

// collect reads the rules as Docker, runc and libseccomp do one after the other.
func collect(p *profile, h host) (*policy, error) {
	otherwise, err := answerOf(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, fmt.Errorf("defaultAction: %w", err)
	}
	pol := &policy{otherwise: otherwise, calls: make(map[uint32]*verdict, len(h.arch.calls))}
	room := maxConditions
	for i := range p.Syscalls {
		r := &p.Syscalls[i]
		if err := pol.add(r, h, &room); err != nil {
			return nil, fmt.Errorf("rule %d of syscalls: %w", i+1, err)
		}
	}
	for _, c := range h.arch.calls {
		if v := pol.calls[uint32(c.nr)]; v != nil {
			if err := v.order(); err != nil {
				return nil, fmt.Errorf("system call %q: %w", c.name, err)
			}
		}
	}
	return pol, nil
}

// add takes a rule. It is read to the end even where it does not apply, so that
// what is wrong with a profile does not depend on the machine.
func (pol *policy) add(r *rule, h host, room *int) error {
	names := r.Names
	if r.Name != "" {
		if len(names) > 0 {
			return errors.New("it has both name and names")
		}
		names = []string{r.Name}
	}
	if slices.Contains(names, "") {
		return errors.New("a name is empty")
	}
	then, err := answerOf(r.Action, r.ErrnoRet)
	if err != nil {
		return err
	}
	branches, err := r.branches(then)
	if err != nil {
		return err
	}
	if !h.applies(r) {
		return nil
	}
	for _, name := range names {
		nr, known := h.arch.number(name)
		if !known {
			continue // of another architecture, or of a kernel to come
		}
		pol.newest = max(pol.newest, nr)
		if then == pol.otherwise {
			continue // libseccomp won't take such a rule, so it must not hide others
		}
		v := pol.calls[nr]
		if v == nil {
			v = new(verdict)
			pol.calls[nr] = v
		}
		v.add(branches, then)
		for _, b := range branches {
			*room -= len(b.conditions)
		}
		if *room < 0 {
			return fmt.Errorf("the profile has more than %d conditions by now", maxConditions)
		}
	}
	return nil
}

// branches makes one of the arguments of a rule, or if two are about the same
// argument, one of each: libseccomp compares an argument once in a rule, and
// runc keeps the meaning that profiles had before it compared several at all.
func (r *rule) branches(then answer) ([]branch, error) {
	var (
		all    []condition
		seen   [argCount]bool
		repeat bool
	)
	for i := range r.Args {
		c, err := r.Args[i].condition()
		if err != nil {
			return nil, err
		}
		repeat = repeat || seen[c.arg]
		seen[c.arg] = true
		all = append(all, c)
	}
	if !repeat {
		return []branch{newBranch(then, all...)}, nil
	}
	list := make([]branch, len(all))
	for i, c := range all {
		list[i] = newBranch(then, c)
	}
	return list, nil
}

// newBranch leaves out conditions that always hold because they look at no bit.
func newBranch(then answer, conditions ...condition) branch {
	b := branch{answer: then}
	for _, c := range conditions {
		if c.mask != 0 {
			b.conditions = append(b.conditions, c)
		}
	}
	slices.SortFunc(b.conditions, func(c, d condition) int { return int(c.arg) - int(d.arg) })
	return b
}

// add follows libseccomp: a rule without conditions hides those with some, before
// it and after it, and the first of several decides.
func (v *verdict) add(branches []branch, then answer) {
	for _, b := range branches {
		switch {
		case v.always:
			return
		case len(b.conditions) == 0:
			*v = verdict{always: true, answer: then}
		default:
			v.branches = append(v.branches, b)
		}
	}
}
