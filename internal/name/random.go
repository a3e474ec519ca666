package name

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// plain is how many attempts come without digits. With a thousand containers of one
// owner's, one in a million needs more.
const plain = 4

// Random makes up a name for a container that was given none: an adjective and a
// noun. Nothing is recorded of those that were drawn: who finds that a name is taken
// draws again, with the next attempt, counted from 0; digits follow after some, more
// of them the longer it takes.
func Random(attempt int) string {
	name := draw(adjectives) + "-" + draw(nouns)
	if attempt < plain {
		return name
	}
	limit := 100
	if attempt >= 2*plain {
		limit = 1_000_000_000
	}
	return name + "-" + strconv.Itoa(rand.IntN(limit))
}

// draw picks one word of a list.
func draw(words string) string {
	for range rand.IntN(1 + strings.Count(words, " ")) {
		_, words, _ = strings.Cut(words, " ")
	}
	word, _, _ := strings.Cut(words, " ")
	return word
}
