package nsexec

import "unsafe"

// bytesOf is the memory of a value, for what goes to another process as it lies: both are the
// same program.
func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}
