package nsexec

import "unsafe"

// The supervisor gives pid 1 orders, and gets answers, over a socket of messages
// (SOCK_SEQPACKET, unix(7)). processtable.go is its side, obey.go that of pid 1.
//
//	supervisor                              pid 1
//	start SLOT, with descriptors ─────────▶ fork: the new process works off its program
//	      ◀──── begun SLOT, errno ─────────
//	signal SLOT, number ──────────────────▶ kill, if what was started in SLOT is still there
//	      ◀──── ended SLOT, wait status ───
//
// No process id crosses. The supervisor chooses the slot, has one process in each, and
// waits for one start to be answered before it asks for the next.
type order struct {
	kind  int32
	slot  int32
	value int64 // the size of the program, or the signal
}

type answer struct {
	kind  int32
	slot  int32
	value int32 // an errno or 0, or a wait status (wait(2))
}

const (
	orderStart = iota + 1
	orderSignal
)

const (
	answerBegun = iota + 1
	answerEnded
)

const (
	orderSize  = unsafe.Sizeof(order{})
	answerSize = unsafe.Sizeof(answer{})

	// maxProcesses is how many commands may run at a time beside the first one.
	maxProcesses = 1024
)
