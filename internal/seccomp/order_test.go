package seccomp

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What decides of several rules that match is not told by any document. The
// wanted errors are those of filters that libseccomp 2.5.4 made of the same rules.
func TestPrecedence(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules []string // conditions of read(2), the n-th of which answers the error n+1
		args  [argCount]uint64
		want  answer
	}{
		{"a value before a range", []string{"0 LT 10", "0 GE 1", "0 EQ 5"}, [argCount]uint64{5}, 3},
		{"below before above", []string{"0 GE 1", "0 LT 10"}, [argCount]uint64{5}, 2},
		{"the lower bound above", []string{"0 LT 20", "0 LT 10", "0 LT 30"}, [argCount]uint64{5}, 2},
		{"the next one, where it does not match", []string{"0 LT 20", "0 LT 10", "0 LT 30"}, [argCount]uint64{15}, 1},
		{"the higher bound below", []string{"0 GE 1", "0 GE 3", "0 GE 2"}, [argCount]uint64{5}, 2},
		{"bounds above 32 bits", []string{"0 LT 21474836480", "0 LT 4294967296", "0 LT 8589934592"}, [argCount]uint64{5}, 2},
		{"a later argument", []string{"0 EQ 5", "2 GE 1", "1 EQ 5"}, [argCount]uint64{5, 5, 5}, 2},
		{"a later argument of several", []string{"0 EQ 5, 1 EQ 5", "0 EQ 5, 2 EQ 5"}, [argCount]uint64{5, 5, 5}, 2},
		{"by the first of several", []string{"0 EQ 5, 3 EQ 5", "1 EQ 5"}, [argCount]uint64{5, 5, 5, 5}, 2},
		{"the order in a rule is no matter", []string{"3 EQ 5, 0 EQ 5", "1 EQ 5"}, [argCount]uint64{5, 5, 5, 5}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range test.rules {
				// From whichever rule on the profile begins, the answer is the same.
				test.rules = append(test.rules[1:], test.rules[0])
				test.want = (test.want-2+answer(len(test.rules)))%answer(len(test.rules)) + 1
				filter, err := compileText([]byte(numbered(test.rules)), nil)
				if err != nil {
					t.Fatal(err)
				}
				a := attempt{nr: unix.SYS_READ, arch: native.audit, args: test.args}
				if got, want := newMachine(t, filter).answer(t, a), unix.SECCOMP_RET_ERRNO|test.want; got != want {
					t.Errorf("%q: got answer %#x, want %#x", test.rules, got, want)
				}
			}
		})
	}
}

func numbered(list []string) string {
	var made []string
	for i, conditions := range list {
		var args []string
		for c := range strings.SplitSeq(conditions, ", ") {
			f := strings.Fields(c)
			args = append(args, fmt.Sprintf(`{"index": %s, "op": "SCMP_CMP_%s", "value": %s}`, f[0], f[1], f[2]))
		}
		made = append(made, fmt.Sprintf(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": %d, "args": [%s]}`,
			i+1, strings.Join(args, ",")))
	}
	return `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [` + strings.Join(made, ",") + `]}`
}

// Where two orders are possible there is none: sorting must not depend on what it began with.
func TestPrecedenceIsAnOrder(t *testing.T) {
	var all []branch
	for _, op := range []operator{equal, notEqual, less, lessOrEqual, greaterOrEqual, greater} {
		for _, value := range []uint64{0, 5, 1 << 40} {
			for _, arg := range []uint{0, 3} {
				c := condition{arg: arg, op: op, mask: math.MaxUint64, value: value}
				all = append(all, newBranch(allow, c), newBranch(allow, c, condition{arg: 4, mask: 1, op: maskedEqual}))
			}
		}
	}
	for i, a := range all {
		for j, b := range all {
			if by, back := precedence(a, b), precedence(b, a); by != -back || (by == 0) != (i == j) {
				t.Errorf("got %d and %d for %v and %v, want them opposed", by, back, a, b)
			}
		}
	}
	if got := slices.IsSortedFunc(all, precedence); got {
		t.Error("got them in order, want something to sort")
	}
}
