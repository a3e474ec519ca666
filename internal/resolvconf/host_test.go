package resolvconf

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestFromContainer(t *testing.T) {
	for _, test := range []struct {
		addr string
		want bool
	}{
		{"192.0.2.1", true},
		{"10.100.42.1", true},
		{"127.0.0.53", false},
		{"127.0.0.1", false},
		{"0.0.0.0", false},
		{"::1", false},
		{"2001:db8::1", false},
		{"fe80::1%eth0", false},
	} {
		t.Run(test.addr, func(t *testing.T) {
			if got := fromContainer(netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	const none = "-" // no such file
	for _, test := range []struct {
		name  string
		files []string
		want  Config
	}{
		{name: "no files", files: []string{none, none}},
		{
			name:  "the host's own will do",
			files: []string{"nameserver 192.0.2.1\nsearch a.example\n", "nameserver 192.0.2.2\n"},
			want:  Config{Servers: addrs("192.0.2.1"), Search: []string{"a.example"}},
		},
		{
			name:  "a stub",
			files: []string{"nameserver 127.0.0.53\noptions edns0\nsearch a.example\n", none, "nameserver 192.0.2.2\nsearch b.example\n"},
			want:  Config{addrs("192.0.2.2"), []string{"a.example"}, []string{"edns0"}},
		},
		{
			name:  "a stub without a search list",
			files: []string{"nameserver 127.0.0.53\n", "nameserver 192.0.2.2\nsearch b.example\n"},
			want:  Config{Servers: addrs("192.0.2.2"), Search: []string{"b.example"}},
		},
		{
			name:  "some of them",
			files: []string{"nameserver 127.0.0.1\nnameserver fe80::1%eth0\nnameserver 192.0.2.1\n", "nameserver 192.0.2.2\n"},
			want:  Config{Servers: addrs("192.0.2.1")},
		},
		{name: "the loopback alone", files: []string{"nameserver 127.0.0.1\nsearch a.example\n"}, want: Config{Search: []string{"a.example"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			dir := t.TempDir()
			for i, text := range test.files {
				path := filepath.Join(dir, string(rune('a'+i)))
				paths = append(paths, path)
				if text != none {
					write(t, path, text)
				}
			}
			got, err := reachable(paths)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, same); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReachableReadsOrSaysWhy(t *testing.T) {
	if _, err := reachable([]string{t.TempDir()}); !errors.Is(err, unix.EISDIR) {
		t.Errorf("got %v, want %v", err, unix.EISDIR)
	}
}

// This machine has the file or not; neither is an error.
func TestHost(t *testing.T) {
	got, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(HostFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Parse(string(text)), got, same); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
