package seccomp

import (
	"strings"
	"testing"
)

// FuzzCompile reads profiles as people write them. What is taken makes a filter
// that the kernel takes, and that says what the profile says.
func FuzzCompile(f *testing.F) {
	f.Add(longProfile(3))
	f.Add(`{"defaultAction": "SCMP_ACT_ALLOW"}`)
	f.Add(`{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{"name": "ioctl", "action": "SCMP_ACT_LOG",
		"args": [{"index": 0, "value": 2, "op": "SCMP_CMP_LE"}, {"index": 0, "value": 21505, "op": "SCMP_CMP_GT"}]}]}`)
	f.Add(`{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
		"args": [{"index": 0, "value": 2114060288, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}, {"index": 5, "op": "SCMP_CMP_NE"}],
		"includes": {"minKernel": "4.8", "caps": ["CAP_KILL"]}, "excludes": {"arches": ["s390x"]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := compileText([]byte(text), containerCaps)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("got error %q, want it on one line", err)
			}
			return
		}
		// All that there is to try takes too long for each of many profiles.
		newReference(t, []byte(text), containerCaps).compareSome(t, filter, 50)
	})
}
