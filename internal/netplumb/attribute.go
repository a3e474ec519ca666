package netplumb

import "github.com/vishvananda/netlink/nl"

// number is the value of an attribute that has a number of 32 bits; 0 where there is less.
func number(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return nl.NativeEndian().Uint32(value)
}

// inner calls f for each attribute of a kind that is nested in the value of another one.
func inner(value []byte, kind uint16, f func(value []byte)) error {
	attrs, err := nl.ParseRouteAttr(value)
	if err != nil {
		return err
	}
	for _, a := range attrs {
		if a.Attr.Type == kind {
			f(a.Value)
		}
	}
	return nil
}
