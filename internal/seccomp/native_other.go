//go:build !amd64 && !arm64 && !riscv64

package seccomp

// native knows no system call, and compile refuses it.
var native arch
