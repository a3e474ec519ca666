package name

import "fmt"

// maxLength is how long a name can be: a label in DNS (RFC 1035, section 2.3.4).
const maxLength = 63

// Check refuses what can't be a container's name: it is a label in DNS, in
// lower case because DNS does not tell cases apart (RFC 4343).
func Check(name string) error {
	ok := name != "" && len(name) <= maxLength && name[0] != '-' && name[len(name)-1] != '-'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !ok {
		return fmt.Errorf("%.80q is no name for a container: that is up to %d of a-z, 0-9, - and _, with no - at either end", name, maxLength)
	}
	return nil
}
