package ports

import "testing"

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name  string
		specs []string
		want  string
	}{
		{"nothing", nil, ""},
		{"one", []string{"8080:80"}, ""},
		{"two ports", []string{"8080:80", "8081:80"}, ""},
		{"two protocols", []string{"53:53/tcp", "53:53/udp"}, ""},
		{"two addresses", []string{"127.0.0.1:8080:80", "127.0.0.2:8080:80"}, ""},
		{"two families", []string{"0.0.0.0:8080:80", "[::]:8080:80"}, ""},
		{"two families, one address", []string{"0.0.0.0:8080:80", "[::1]:8080:80"}, ""},
		{"picked", []string{"80", "80", "127.0.0.1::80"}, ""},
		{"ranges that touch", []string{"8000-8001:80-81", "8002-8003:82-83"}, ""},
		{"twice", []string{"8080:80", "8080:80/tcp"}, `publishing "8080:80/tcp": it is published twice`},
		{
			"to two ports",
			[]string{"8080:80/udp", "8080:81/udp"},
			`publishing "8080:81/udp": "8080:80/udp" has the same host port at the same address`,
		},
		{
			"everywhere and somewhere",
			[]string{"8080:80", "[::1]:8080:80"},
			`publishing "[::1]:8080:80/tcp": "8080:80/tcp" has the same host port at the same address`,
		},
		{
			"somewhere and everywhere",
			[]string{"127.0.0.1:8080:80", "8080:80"},
			`publishing "8080:80/tcp": "127.0.0.1:8080:80/tcp" has the same host port at the same address`,
		},
		{
			"all of IPv4 and one",
			[]string{"0.0.0.0:8080:80", "127.0.0.1:8080:80"},
			`publishing "127.0.0.1:8080:80/tcp": "0.0.0.0:8080:80/tcp" has the same host port at the same address`,
		},
		{
			"one and all of IPv6",
			[]string{"[::1]:8080:80", "[::]:8080:80"},
			`publishing "[::]:8080:80/tcp": "[::1]:8080:80/tcp" has the same host port at the same address`,
		},
		{
			"ranges that overlap",
			[]string{"8000-8002:80-82", "8002-8004:90-92"},
			`publishing "8002:90/tcp": "8002:82/tcp" has the same host port at the same address`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all []Mapping
			for _, spec := range test.specs {
				m, err := Parse(spec)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, m...)
			}
			got := ""
			if err := Check(all); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}
