package control

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Text is what a user typed, or a path: any bytes but zero (execve(2)). A string of JSON's is
// UTF-8, and what is not would arrive as something else.
type Text string

// Texts is a list of them.
type Texts []string

// MarshalJSON writes the bytes in base64.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal([]byte(t)) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Text) UnmarshalJSON(text []byte) error {
	var raw []byte
	err := json.Unmarshal(text, &raw)
	*t = Text(raw)
	return err
}

// MarshalJSON writes them as execve(2) has them in memory, with a zero byte at the end of each.
func (t Texts) MarshalJSON() ([]byte, error) {
	var all strings.Builder
	for _, one := range t {
		if strings.ContainsRune(one, 0) {
			return nil, errZero
		}
		all.WriteString(one)
		all.WriteByte(0)
	}
	return Text(all.String()).MarshalJSON()
}

var errZero = errors.New("there is a zero byte in an argument or a variable")

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Texts) UnmarshalJSON(text []byte) error {
	var all Text
	if err := all.UnmarshalJSON(text); err != nil {
		return err
	}
	*t = nil
	if all == "" {
		return nil
	}
	list := strings.Split(string(all), "\x00")
	if last := len(list) - 1; list[last] == "" {
		*t = slices.Clip(list[:last])
		return nil
	}
	return errors.New("a list of texts ends within one of them")
}
