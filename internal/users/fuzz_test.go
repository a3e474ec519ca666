package users

import (
	"strings"
	"testing"
)

// Whatever the files say, a user is looked up without harm: who can't be read is
// nobody, and a name without an entry never is root.
func FuzzLookup(f *testing.F) {
	f.Add("postgres:ssl-cert", passwd, group)
	f.Add("postgres", passwd, group)
	f.Add("1000", "", "")
	f.Add("0:0", "root:x:0:0:::\n", "root:x:0:\n")
	f.Add("a:b", "a::1:1:\n\na", "b:x:9:a,a,,a\n")
	f.Add("\x00", "\x00:x:0:0::/\x00:", ":::")
	f.Fuzz(func(t *testing.T, spec, passwd, group string) {
		u, err := lookup(spec, func(path string) (*file, error) {
			text := passwd
			if path == "etc/group" {
				text = group
			}
			return &file{path: path, text: text}, nil
		})
		if err != nil {
			return
		}
		name, which, grouped := strings.Cut(spec, ":")
		if uid, ok := number(name); ok {
			if u.UID != uid {
				t.Errorf("%q: got uid %v, want %v", spec, u.UID, uid)
			}
		} else if !strings.Contains(passwd, name+":") {
			t.Errorf("%q: got %+v, want nobody", spec, u)
		}
		if gid, ok := number(which); ok && u.GID != gid {
			t.Errorf("%q: got gid %v, want %v", spec, u.GID, gid)
		}
		if grouped && len(u.Groups) > 0 {
			t.Errorf("%q: got groups %v, want none besides", spec, u.Groups)
		}
		if !strings.HasPrefix(u.Home, "/") {
			t.Errorf("%q: got home %q, want an absolute path", spec, u.Home)
		}
		if u.UID > maxID || u.GID > maxID {
			t.Errorf("%q: got %+v, want ids", spec, u)
		}
	})
}
