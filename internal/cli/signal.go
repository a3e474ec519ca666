package cli

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// parseSignal reads a number, or a name with or without SIG.
func parseSignal(text string) (int, error) {
	if number, err := strconv.Atoi(text); err == nil {
		return number, checkSignal(number)
	}
	upper := strings.ToUpper(text)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if sig := unix.SignalNum(upper); sig != 0 {
		return int(sig), nil
	}
	return 0, fmt.Errorf("there is no signal %.40q; kill -l lists them", text)
}

func checkSignal(number int) error {
	if number < 1 || number > 64 {
		return fmt.Errorf("there is no signal %d", number)
	}
	return nil
}
