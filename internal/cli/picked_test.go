package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/netplumb"
	"unc/internal/ports"
)

func TestTellPicked(t *testing.T) {
	for _, test := range []struct {
		name    string
		asked   []string
		sockets []string
		want    []string
	}{
		{"nothing", nil, nil, nil},
		{"none was picked", []string{"tcp * 8080 80"}, []string{"tcp 0.0.0.0 8080 80", "tcp :: 8080 80"}, nil},
		{
			"one at all addresses",
			[]string{"tcp * 0 80"},
			[]string{"tcp 0.0.0.0 49153 80", "tcp :: 49153 80"},
			[]string{"port 49153 of the host leads to port 80/tcp of the container"},
		},
		{
			"one at one address",
			[]string{"udp 127.0.0.1 0 53"},
			[]string{"udp 127.0.0.1 49153 53"},
			[]string{"port 49153 of the host leads to port 53/udp of the container"},
		},
		{
			"both protocols",
			[]string{"tcp * 0 53", "udp * 0 53"},
			[]string{"tcp 0.0.0.0 5001 53", "tcp :: 5001 53", "udp 0.0.0.0 5002 53", "udp :: 5002 53"},
			[]string{"port 5001 of the host leads to port 53/tcp of the container", "port 5002 of the host leads to port 53/udp of the container"},
		},
		{
			"a port of the container named and picked",
			[]string{"tcp * 8080 80", "tcp * 0 80"},
			[]string{"tcp 0.0.0.0 8080 80", "tcp :: 8080 80", "tcp 0.0.0.0 5001 80", "tcp :: 5001 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container"},
		},
		{
			"the same picked twice",
			[]string{"tcp * 0 80", "tcp * 0 80"},
			[]string{"tcp 0.0.0.0 5001 80", "tcp :: 5001 80", "tcp 0.0.0.0 5002 80", "tcp :: 5002 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container", "port 5002 of the host leads to port 80/tcp of the container"},
		},
		{
			"at two addresses",
			[]string{"tcp 127.0.0.1 0 80", "tcp ::1 0 80"},
			[]string{"tcp 127.0.0.1 5001 80", "tcp ::1 5002 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container", "port 5002 of the host leads to port 80/tcp of the container"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sockets []netplumb.Socket
			for _, m := range mappings(t, test.sockets) {
				sockets = append(sockets, netplumb.Socket{Mapping: m, FD: -1})
			}
			got := tellPicked(mappings(t, test.asked), sockets)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func mappings(t *testing.T, texts []string) (list []ports.Mapping) {
	t.Helper()
	for _, text := range texts {
		m, err := ports.ParseMapping(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}
