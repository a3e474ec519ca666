package filter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/policy"
)

// Write puts the filter in place of whatever there is of it, in one transaction but
// for masquerading (see masqueradePorts): at no moment is anybody let through who
// should not be. The doors of running containers go with the old one; SetDoors has
// to make them anew, and then Finish is due. It needs CAP_NET_ADMIN.
func Write(p *policy.Policy, r Routed) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	all := tables(p, r)
	for _, t := range all {
		if err := write(conn, t); err != nil {
			return fmt.Errorf("building the packet filter: %w", err)
		}
	}
	err = conn.Flush()
	for _, t := range all {
		if err == nil {
			err = masqueradePorts(t)
		}
	}
	if err != nil {
		return fmt.Errorf("setting up the packet filter: %w", explain(err))
	}
	return nil
}

// Finish says that the filter is whole: not before the doors of running containers
// are open again, so that who is killed between leaves the rest to the next. When
// another process has just written it anew, that one finishes it. It needs
// CAP_NET_ADMIN.
func Finish(p *policy.Policy) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	for _, family := range []nftables.TableFamily{nftables.TableFamilyBridge, nftables.TableFamilyINet} {
		conn.AddChain(&nftables.Chain{Table: &nftables.Table{Name: name, Family: family}, Name: stamp(p)})
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("finishing the packet filter: %w", err)
	}
	return nil
}

// Close adds interfaces to those that are routed nowhere but to the bridge. They
// must be, before forwarding is turned on for them.
func Close(r Routed) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: name, Family: nftables.TableFamilyINet}
	for set, keys := range r.sets() {
		if err := addKeys(conn, &nftables.Set{Table: table, Name: set}, keys); err != nil {
			return fmt.Errorf("changing the packet filter: %w", err)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("changing the packet filter: %w", err)
	}
	return nil
}

// Remove deletes the filter, if there is any. It needs CAP_NET_ADMIN.
func Remove() error {
	conn, err := dial()
	if err != nil {
		return err
	}
	for _, family := range []nftables.TableFamily{nftables.TableFamilyBridge, nftables.TableFamilyINet} {
		// Added first, so that there is one to delete.
		conn.DelTable(conn.AddTable(&nftables.Table{Name: name, Family: family}))
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("removing the packet filter: %w", explain(err))
	}
	return nil
}

// buffers is what the largest transaction takes, several times over, in bytes.
const buffers = 4 << 20

func dial() (*nftables.Conn, error) {
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(buffers), c.SetReadBuffer(buffers))
	}))
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return conn, nil
}

func write(conn *nftables.Conn, t table) error {
	table := &nftables.Table{Name: name, Family: t.family}
	conn.DelTable(conn.AddTable(table))
	conn.AddTable(table)
	for i, s := range t.sets {
		ns := &nftables.Set{
			Table: table, Name: s.name, ID: uint32(t.family)<<8 + uint32(i) + 1, // in this transaction
			KeyType: s.key, Size: s.size,
			Dynamic: s.dynamic, HasTimeout: s.timeout > 0, Timeout: s.timeout,
			IsMap: s.verdict, DataType: nftables.TypeVerdict,
			KeyByteOrder: binaryutil.NativeEndian, // for nft to show names as such
		}
		if err := conn.AddSet(ns, nil); err != nil {
			return err
		}
		if s.keys == nil {
			continue
		}
		if err := addKeys(conn, ns, s.keys()); err != nil {
			return err
		}
	}
	for _, c := range t.chains { // all of them before the rules, which name some
		nc := &nftables.Chain{Table: table, Name: c.name}
		if c.base != nil {
			accept := nftables.ChainPolicyAccept
			nc.Type, nc.Hooknum, nc.Priority, nc.Policy = c.base.kind, c.base.hook, &c.base.priority, &accept
		}
		conn.AddChain(nc)
	}
	for _, c := range t.chains {
		for _, r := range c.rules {
			if withPorts(r) {
				continue
			}
			conn.AddRule(&nftables.Rule{Table: table, Chain: &nftables.Chain{Name: c.name}, Exprs: r})
		}
	}
	return nil
}

// chunk is how many elements go into one message, whose list can't be longer than
// 64 KiB (struct nlattr).
const chunk = 256

func addKeys(conn *nftables.Conn, s *nftables.Set, keys [][]byte) error {
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		elements := make([]nftables.SetElement, n)
		for i, k := range keys[:n] {
			elements[i].Key = k
		}
		if err := conn.SetAddElements(s, elements); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// modules are the parts of nftables that may be modules and that the rules take. A
// kernel can be built without nft_meta_bridge, which takes nothing from them then.
const modules = "nf_tables nft_chain_nat nft_ct nft_nat nft_masq nft_fib_inet nft_socket nft_connlimit"

// Modules are the kernel's modules that the filter takes.
func Modules() []string { return strings.Fields(modules) }

// explain says what it means when the kernel does not know nftables, or a part of it.
func explain(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return hint.With(fmt.Errorf("this kernel lacks a part of nftables: %w", err), "sudo modprobe -a "+modules+" nft_meta_bridge")
	}
	return err
}
