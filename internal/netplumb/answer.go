package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"unc/internal/hint"
)

// Answer encodes the outcome of Setup for the process that began it, which prints
// all errors: one line of key="value" pairs, quoted as in Go. JSON is for others;
// decoding it would take as long as wiring up the container.
func Answer(n *Network, err error) []byte {
	var line []byte
	add := func(key, value string) {
		if line != nil {
			line = append(line, ' ')
		}
		line = append(append(line, key...), '=')
		line = strconv.AppendQuote(line, value)
	}
	if err != nil {
		add("error", err.Error())
		for _, h := range hint.Of(err) {
			add("hint", h)
		}
		return append(line, '\n')
	}
	add("interface", n.Interface)
	add("address", n.Address.String())
	add("gateway", n.Gateway.String())
	add("mtu", strconv.Itoa(n.MTU))
	for _, r := range n.Resolvers {
		add("resolver", r.String())
	}
	for _, s := range n.Search {
		add("search", s)
	}
	for _, o := range n.Options {
		add("option", o)
	}
	return append(line, '\n')
}

// parseAnswer is the inverse of Answer.
func parseAnswer(line string) (*Network, error) {
	var n Network
	var failed string
	var hints []string
	for rest := strings.TrimSuffix(line, "\n"); rest != ""; rest = strings.TrimPrefix(rest, " ") {
		key, after, found := strings.Cut(rest, "=")
		quoted, err := strconv.QuotedPrefix(after)
		if !found || err != nil {
			return nil, fmt.Errorf("reading net-setup's answer: %.40q is no pair", rest)
		}
		rest = after[len(quoted):]
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("reading net-setup's answer: %w", err)
		}
		switch key {
		case "error":
			failed = value
		case "hint":
			hints = append(hints, value)
		default:
			if err := n.set(key, value); err != nil {
				return nil, fmt.Errorf("reading net-setup's answer: %w", err)
			}
		}
	}
	if failed != "" {
		return nil, hint.With(errors.New(failed), hints...)
	}
	if err := n.validate(); err != nil {
		return nil, fmt.Errorf("reading net-setup's answer: %w", err)
	}
	return &n, nil
}

// set takes one pair of an answer.
func (n *Network) set(key, value string) (err error) {
	switch key {
	case "interface":
		n.Interface = value
	case "address":
		n.Address, err = netip.ParsePrefix(value)
	case "gateway":
		n.Gateway, err = netip.ParseAddr(value)
	case "mtu":
		n.MTU, err = strconv.Atoi(value)
	case "resolver":
		var addr netip.Addr
		addr, err = netip.ParseAddr(value)
		n.Resolvers = append(n.Resolvers, addr)
	case "search":
		n.Search = append(n.Search, value)
	case "option":
		n.Options = append(n.Options, value)
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}
