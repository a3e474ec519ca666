// Package hint carries the way out of an error beside the error.
//
// A message says what went wrong; a hint is what a person can do about it, as a
// command to paste or one short sentence. Hints travel as data, so that the one
// printer at the edge decides how they look, and no caller has to search texts.
package hint
