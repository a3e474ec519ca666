package cli

import (
	"path"
	"strings"
	"testing"

	"unc/internal/nsexec"
)

// What is accepted makes sense as a mount, whatever was typed, and says so again when
// it is put into the words of another flag.

func FuzzVolume(f *testing.F) {
	for _, test := range goodVolumes {
		f.Add(test.text)
	}
	for _, test := range badVolumes {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		flags := fileFlags{Volume: []string{text}}
		if flags.Validate() != nil {
			return
		}
		m := flags.mounts[0].Mount
		checkMount(t, m, nsexec.Bind)
		words := []string{"type=bind", quoted("src=" + m.Source), quoted("dst=" + m.Target)}
		if m.ReadOnly {
			words = append(words, "ro")
		}
		if m.NoExec {
			words = append(words, "noexec")
		}
		inWords(t, m, words)
	})
}

func FuzzTmpfs(f *testing.F) {
	for _, test := range goodTmpfs {
		f.Add(test.text)
	}
	for _, test := range badTmpfs {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		flags := fileFlags{Tmpfs: []string{text}}
		if flags.Validate() == nil {
			checkMount(t, flags.mounts[0].Mount, nsexec.Tmpfs)
		}
	})
}

func FuzzMountFlag(f *testing.F) {
	for _, test := range goodMounts {
		f.Add(test.text)
	}
	for _, test := range badMounts {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		flags := fileFlags{Mount: []string{text}}
		if flags.Validate() != nil {
			return
		}
		m := flags.mounts[0].Mount
		if m.Kind != nsexec.Bind {
			checkMount(t, m, nsexec.Tmpfs)
			return
		}
		checkMount(t, m, nsexec.Bind)
		// What -v can say, too, means the same there.
		if text := m.Source + ":" + m.Target; strings.Count(text, ":") == 1 && strings.Contains(m.Source, "/") {
			got, err := parseVolume(text)
			if err != nil || got.Source != m.Source || got.Target != m.Target {
				t.Errorf("-v %q is read as %+v, %v; want %+v", text, got, err, m)
			}
		}
	})
}

func FuzzDevice(f *testing.F) {
	for _, test := range goodDevices {
		f.Add(test.text)
	}
	for _, test := range badDevices {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		flags := fileFlags{Device: []string{text}}
		if flags.Validate() != nil {
			return
		}
		m := flags.mounts[0]
		checkMount(t, m.Mount, nsexec.Device)
		if !path.IsAbs(m.Source) || strings.Trim(m.access, "rwm") != "" {
			t.Errorf("got %+v, want an absolute path and some of rwm", m)
		}
	})
}

func checkMount(t *testing.T, m nsexec.Mount, kind nsexec.MountKind) {
	t.Helper()
	isTmpfs := kind == nsexec.Tmpfs
	switch {
	case m.Kind != kind:
		t.Errorf("got %+v, want one of kind %v", m, kind)
	case !path.IsAbs(m.Target) || path.Clean(m.Target) != m.Target || checkTarget(m.Target) != nil:
		t.Errorf("got %+v, want a clean path below the root that is not the container's own", m)
	case isTmpfs == (m.Source != ""), !isTmpfs && m.Size != "", m.Mode > 0o7777:
		t.Errorf("got %+v, want a source or what a tmpfs has", m)
	case m.Size != "" && checkTmpfsSize(m.Size) != nil:
		t.Errorf("got %+v, want a size", m)
	}
}

func inWords(t *testing.T, want nsexec.Mount, words []string) {
	t.Helper()
	text := strings.Join(words, ",")
	// CSV has one kind of line end, which is another than that of some file's name.
	if strings.Contains(text, "\r") {
		return
	}
	if got, err := parseMount(text); err != nil || got.Mount != want {
		t.Errorf("--mount %q is read as %+v, %v; want %+v", text, got, err, want)
	}
}

// quoted is a field of CSV.
func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
