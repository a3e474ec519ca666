// Package tier decides what becomes of a test that can't run here.
//
// Some tests need root, or a namespace in which they are root. Where that is
// missing they are skipped, and say why. A machine that is meant to run them
// all, as the CI's is, sets UNC_MUST_WORK=1: there a test that can't run has
// failed. Only tests import this package.
package tier
