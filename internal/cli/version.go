package cli

import "runtime/debug"

// Version tells what was built: a release, or the commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unc (no build information)"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return "unc " + version + " " + info.GoVersion
}
