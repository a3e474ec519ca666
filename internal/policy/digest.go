package policy

import (
	"encoding/hex"
	"strconv"

	"golang.org/x/crypto/blake2s"
)

// Digest is 16 hexadecimal digits that tell whether a filter was made by this
// policy: they depend on each field that the filter does, and on nothing else.
func (p *Policy) Digest() string {
	// One line each, so that no two policies have one text.
	text := make([]byte, 0, 160)
	text = append(append(text, p.Bridge...), '\n')
	text = append(p.Subnet.AppendTo(text), '\n')
	text = append(p.Subnet6.AppendTo(text), '\n')
	text = append(p.Overlay.AppendTo(text), '\n')
	text = append(strconv.AppendInt(text, int64(p.MaxConnections), 10), '\n')
	text = append(strconv.AppendBool(text, p.Isolated), '\n')
	text = append(strconv.AppendBool(text, p.NAT), '\n')
	text = append(strconv.AppendBool(text, p.HostAccess), '\n')
	sum := blake2s.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
