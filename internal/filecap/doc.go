// Package filecap tells how the file capability of this program comes to be without
// effect. Executing a file grants what it has, or nothing, and execve(2) says nothing
// about why: each way to lose it has a question here that answers with a sentence and
// the way out, and nil where all is well. None of them needs a privilege; the process
// that asks is taken for a sample of those that are executed from the same file.
//
// With the capability in the file's effective set (setcap's "e"), and not in the
// bounding set, execve itself fails: then nobody gets as far as to ask.
package filecap
