package policy

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// spans reads ports and ranges with commas between them, as in 80,443,8000-8999,
// and leaves them ascending and not touching. None is no port.
func spans(to *[]Span, value string) error {
	if value == "none" {
		*to = nil
		return nil
	}
	var all []Span
	for item := range strings.SplitSeq(value, ",") {
		low, high, isRange := strings.Cut(strings.Trim(item, " \t"), "-")
		if !isRange {
			high = low
		}
		var first, last int
		if number(&first, low, 1, 65535) != nil || number(&last, high, 1, 65535) != nil {
			return errors.New("want ports as in 80,443,8000-8999, from 1 to 65535, or none")
		}
		if first > last {
			return errors.New("want the lower end of a range first")
		}
		all = append(all, Span{uint16(first), uint16(last)})
	}
	slices.SortFunc(all, func(a, b Span) int { return cmp.Compare(a.First, b.First) })
	merged := all[:1]
	for _, s := range all[1:] {
		end := &merged[len(merged)-1].Last
		if int(s.First) > int(*end)+1 {
			merged = append(merged, s)
		} else {
			*end = max(*end, s.Last)
		}
	}
	*to = merged
	return nil
}
