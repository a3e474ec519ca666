package nsexec

import (
	"fmt"
	"testing"
)

func TestWantsTerminal(t *testing.T) {
	for _, test := range []struct {
		terminal [3]bool
		want     bool
	}{
		{[3]bool{}, false},
		{[3]bool{true, true, true}, true},
		{[3]bool{2: true}, true},
	} {
		t.Run(fmt.Sprint(test.terminal), func(t *testing.T) {
			if got := (&Spec{Terminal: test.terminal}).wantsTerminal(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
