package seccomp

import (
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

func init() {
	childActions["i386"] = systemCall32
	childActions["i386, filtered"] = func() {
		install(Default(containerCaps))
		systemCall32()
	}
	childActions["i386, all allowed"] = func() {
		install(compileText([]byte(`{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"]}`), nil))
		systemCall32()
	}
	childActions["x32"] = func() {
		install(compileText([]byte(`{"defaultAction": "SCMP_ACT_ALLOW"}`), nil))
		report(func(try func(string, uintptr, ...uint64)) { try("getpid", x32|unix.SYS_GETPID) })
	}
}

// systemCall32 makes an i386 system call, which a program of 64 bits can make:
// nothing but its number tells that 20, getpid there, is not writev, as it is here.
func systemCall32() {
	code, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(err)
	}
	copy(code, []byte{
		0xb8, 20, 0, 0, 0, // mov $20, %eax
		0xcd, 0x80, // int $0x80
		0xc3, // ret
	})
	if err := unix.Mprotect(code, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		panic(err)
	}
	// A func value points to a word with the address of the code.
	entry := unsafe.Pointer(&code[0])
	value := unsafe.Pointer(&entry)
	(*(*func())(unsafe.Pointer(&value)))()
}

func TestForeignArchitectureIsFatal(t *testing.T) {
	if died := endedBy(t, "i386"); died != 0 {
		tier.Skip(t, "this kernel has no system calls of i386: %v", died)
	}
	for _, name := range []string{"i386, filtered", "i386, all allowed"} {
		if got := endedBy(t, name); got != unix.SIGSYS {
			t.Errorf("%s: got %v, want %v", name, got, unix.SIGSYS)
		}
	}
}

func TestX32DoesNotExist(t *testing.T) {
	text, err := child("x32").Output()
	if got, want := strings.TrimSpace(string(text)), `{"getpid":"ENOSYS"}`; got != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
