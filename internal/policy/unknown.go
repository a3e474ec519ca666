package policy

import (
	"fmt"
	"strings"

	"unc/internal/hint"
)

func unknownKey(key string) error {
	if near := nearest(key); near != "" {
		return fmt.Errorf("unknown key %.64q, perhaps for %s", key, near)
	}
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = keys[i].name
	}
	return hint.With(fmt.Errorf("unknown key %.64q", key), "the keys are "+strings.Join(names, " "))
}

// nearest is the key that somebody may have meant, or "". Case does not count,
// and neither does a hyphen for an underscore.
func nearest(key string) string {
	if len(key) > 24 {
		return ""
	}
	key = strings.ReplaceAll(strings.ToUpper(key), "-", "_")
	best, distance := "", 3 // more than two letters are another word
	for i := range keys {
		if d := edits(key, keys[i].name); d < distance && d < len(keys[i].name)/2+1 {
			best, distance = keys[i].name, d
		}
	}
	return best
}

// edits is how many bytes must be put in, taken out or changed to make b of a
// (Levenshtein 1965).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
