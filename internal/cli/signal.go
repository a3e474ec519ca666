package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// signalNumber is one of signal(7).
type signalNumber int

// UnmarshalText reads a number, or a name with or without SIG.
func (s *signalNumber) UnmarshalText(text []byte) error {
	name := strings.ToUpper(string(text))
	if number, err := strconv.Atoi(name); err == nil {
		*s = signalNumber(number)
		return checkSignal(number)
	}
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	*s = signalNumber(unix.SignalNum(name))
	if *s == 0 {
		return hint.With(errors.New("there is no such signal"), "kill -l    # lists them")
	}
	return nil
}

func checkSignal(number int) error {
	if number < 1 || number > 64 {
		return fmt.Errorf("there is no signal %d", number)
	}
	return nil
}
