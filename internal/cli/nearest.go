package cli

import "strings"

// nearest returns the word that was probably meant, or "": the shortest that begins so,
// or the one that the fewest slips lead to, if they are few for its length.
func nearest(typed string, words []string) string {
	best, slips := "", 0
	for _, word := range words {
		n := distance(typed, word)
		if len(typed) >= 3 && strings.HasPrefix(word, typed) {
			n = 1
		}
		if n > max(1, len(word)/3) || len(word) < 2 {
			continue
		}
		if best == "" || n < slips || n == slips && len(word) < len(best) {
			best, slips = word, n
		}
	}
	return best
}

// distance counts the letters to insert, leave out, replace or swap with their neighbour
// that make b of a: optimal string alignment, after Damerau.
func distance(a, b string) int {
	var before []int // two rows ago
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
