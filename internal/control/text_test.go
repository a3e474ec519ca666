package control

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestTexts(t *testing.T) {
	for name, list := range map[string]Texts{
		"none":              nil,
		"one that is empty": {""},
		"empty at the end":  {"a", "", ""},
		"others than UTF-8": {"caf\xe9", "\xff\xfe", "\u2028<>&"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(Command{Args: list, Workdir: "/caf\xe9"})
			if err != nil {
				t.Fatal(err)
			}
			var got Command
			if err := json.Unmarshal(text, &got); err != nil || !slices.Equal(got.Args, list) || got.Workdir != "/caf\xe9" {
				t.Errorf("got %q in %q, %v, want %q", got.Args, got.Workdir, err, list)
			}
		})
	}
	if text, err := json.Marshal(Texts{"a\x00b"}); err == nil {
		t.Errorf("got %s, want an error over a zero byte", text)
	}
	for _, wrong := range []string{`"YQ=="`, `"YQBi"`, `"?"`, `["a"]`, `{}`, `1`} { // a, a NUL b
		var got Texts
		if err := json.Unmarshal([]byte(wrong), &got); err == nil {
			t.Errorf("%s: got %q, want an error", wrong, got)
		}
	}
}

// What can be read is what is written of it.
func FuzzTexts(f *testing.F) {
	f.Add([]byte(`"YQBiAA=="`))
	f.Add([]byte(`"AAA="`))
	f.Add([]byte(`""`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again Texts
		if json.Unmarshal(text, &got) != nil {
			return
		}
		written, err := json.Marshal(got)
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if err != nil || !slices.Equal(got, again) {
			t.Errorf("got %q, %v, want %q", again, err, got)
		}
	})
}
