package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The sample shows the default of every key, and so says nothing that is not so
// without it. Of MTU and SUBNET6, whose defaults depend on the machine, it has
// an example.
func TestSample(t *testing.T) {
	text, err := os.ReadFile("../../network.conf.sample")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.lines) > 0 {
		t.Errorf("got the keys %v, want all of them commented out", s.lines)
	}

	shown := regexp.MustCompile(`(?m)^#([A-Z0-9_]+)=.*$`)
	var names, all []string
	for _, found := range shown.FindAllStringSubmatch(string(text), -1) {
		line, key := strings.TrimPrefix(found[0], "#"), found[1]
		names, all = append(names, key), append(all, line)
		t.Run(key, func(t *testing.T) { sampleIsDefault(t, line) })
	}
	var want []string
	for _, key := range keys {
		want = append(want, key.name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	t.Run("all at once", func(t *testing.T) { sampleIsDefault(t, strings.Join(all, "\n")) })
}

func sampleIsDefault(t *testing.T, text string) {
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.lines["SUBNET6"]; ok != s.policy.Subnet6.IsValid() {
		t.Errorf("got IPv6 subnet %v, want an example", s.policy.Subnet6)
	}
	if _, ok := s.lines["MTU"]; ok != (s.policy.MTU != 0) {
		t.Errorf("got MTU %v, want an example", s.policy.MTU)
	}
	want := defaults()
	want.Subnet6, want.MTU = s.policy.Subnet6, s.policy.MTU
	if diff := cmp.Diff(want, &s.policy, compared); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if s.flannel || len(s.allow) > 0 {
		t.Errorf("got flannel %v and %v allowed, want neither", s.flannel, s.allow)
	}
}
