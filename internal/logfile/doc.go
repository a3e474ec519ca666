// Package logfile keeps what a detached container wrote: both streams, told apart,
// with the times, in files that don't grow without end.
//
// # The format
//
// That of the log files of Kubernetes' container runtime interface (CRI; "Log management
// for container stdout/stderr streams" of its design proposals), which log collectors read:
//
//	2026-11-23T23:40:00.123456789Z stdout F a line
//	2026-11-23T23:40:01.000000000Z stderr P the beginning of a line
//	2026-11-23T23:40:02.000000000Z stderr F  and its end
//
// F is a line with its line end, P a piece that is followed by more of the same stream, or by
// nothing. The text is as it came, whatever the bytes; only the line ends are the format's. A
// reader puts together exactly what was written. Pieces are up to 16 KiB, so that a
// line needs no more memory than that, however long.
//
// There is a third stream, unc, for what the log says of itself:
//
//	... unc F begins at 1048576       first in a file that continues another: bytes before it
//	... unc F lost 4096 28            so many could not be written here, for that errno
//
// # Files
//
//	log      is written to, each chunk that the container wrote with one write(2)
//	log.1    what was log before
//
// When log would be larger than half of what there may be, it is renamed to log.1, in place
// of the one before, and begun anew. So there are never more bytes than were agreed, and at least
// almost half of them are the latest.
//
// A full disk does not stop a container. What can't be written is dropped and counted, whole lines
// at a time, and the count is what is written first when writing works again. Nothing is kept in
// memory, so a crash of the supervisor loses nothing of what was handed to it.
//
// # Reading
//
// A reader holds no lock and is not known to the writer. It reads log.1 and log as they are at one
// moment, which it makes sure of by looking twice. One that follows is woken by inotify(7) and
// looks which file it is at: when log is another one by now, the rest of the old one is complete,
// and what comes next is log.1 or log. When it was too slow, and a file is gone that it has not
// read, "begins at" tells how much that was, and Options.Note hears of it.
//
// When a container has ended, its log is removed with its record. Who reads it is told before, and
// opens the Rest of it, both files, at once: he may read them as slowly as he likes then.
//
// The last lines of a log are found by counting them all first: the files are bounded, and memory
// is that of one line.
//
// The files belong to the user, and may be anything by the time they are read. Lines of another
// format are passed over, of files only regular ones are read, and of a line only so much. What
// comes out for Note has no bytes of the files' in it; the streams have whatever the container
// wrote, control characters included.
package logfile
