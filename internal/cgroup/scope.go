package cgroup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// answerWithin is how long systemd may take for a scope; milliseconds are usual.
const answerWithin = 20 * time.Second

var (
	// errNoSystemd is a machine that systemd does not run.
	errNoSystemd = errors.New("this machine is not run by systemd")

	// errNoBus is a user whose systemd can't be reached, or is not there.
	errNoBus = errors.New("there is no way to this user's systemd")

	// errNotMoved is a scope that systemd says it has put this process into, and has not.
	errNotMoved = errors.New("this process is not in the scope that systemd has made for it")
)

// scope has systemd put this process into a scope of its own, and returns the
// directory in which a group with these controllers can be made.
func (s *site) scope(controllers []string) (string, error) {
	if !s.isBooted() {
		return "", errNoSystemd
	}
	name := fmt.Sprintf("unc-%d-%08x.scope", os.Getpid(), rand.Uint32())
	if err := s.startScope(name); err != nil {
		return "", err
	}
	h, err := s.find()
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(h.own, "/"+name) {
		return "", fmt.Errorf("%w: it is in %q", errNotMoved, h.own)
	}
	dir := h.dir(h.own)
	available, err := words(dir + "/cgroup.controllers")
	if err != nil {
		return "", err
	}
	if lacking := lackOf(controllers, available); len(lacking) > 0 {
		return "", &shortage{dir: dir, controllers: lacking}
	}
	// A group that gives its groups controllers has no processes itself. Zero is who
	// writes, with all threads.
	supervisor := dir + "/supervisor"
	if err := s.mkdir(supervisor); err != nil {
		return "", fmt.Errorf("making control group %q: %w", supervisor, err)
	}
	if err := write(supervisor+"/cgroup.procs", "0"); err != nil {
		return "", err
	}
	return dir, enable(dir, controllers)
}

// startScope asks the first systemd that is found on a bus.
func (s *site) startScope(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	because := errNoBus
	for _, address := range s.buses {
		err := startScopeAt(ctx, address, s.uid, name)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("asking systemd on %q for a scope: no answer within %v", address, answerWithin)
		case !errors.Is(err, errNoBus):
			return err
		case errors.Is(because, errNoBus):
			because = err
		}
	}
	return because
}

const (
	systemdName  = "org.freedesktop.systemd1"
	systemdPath  = "/org/freedesktop/systemd1"
	managerIface = systemdName + ".Manager"
)

// startScopeAt makes the scope, and returns when this process is in it
// (org.freedesktop.systemd1(5)).
func startScopeAt(ctx context.Context, address string, uid int, name string) error {
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoBus, err)
	}
	defer conn.Close()
	err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(uid))})
	if err == nil {
		err = conn.Hello()
	}
	if err != nil {
		return fmt.Errorf("%w: greeting %q: %w", errNoBus, address, err)
	}
	// Before the job exists, whose end it tells.
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	err = conn.AddMatchSignalContext(ctx, dbus.WithMatchInterface(managerIface), dbus.WithMatchMember("JobRemoved"))
	if err != nil {
		return fmt.Errorf("waiting for systemd on %q: %w", address, err)
	}
	manager := conn.Object(systemdName, systemdPath)
	// A bus that would start something by this name has no systemd that runs.
	call := manager.CallWithContext(ctx, managerIface+".Subscribe", dbus.FlagNoAutoStart)
	if isCalled(call.Err, "ServiceUnknown", "NameHasNoOwner") {
		return fmt.Errorf("%w: %q has none", errNoBus, address)
	}
	job, err := callForScope(ctx, manager, name)
	if err == nil {
		err = awaitJob(ctx, signals, job)
	}
	if err != nil {
		return fmt.Errorf("asking systemd for scope %q: %w", name, err)
	}
	return nil
}

// awaitJob waits until the job has ended as it should.
func awaitJob(ctx context.Context, signals <-chan *dbus.Signal, job dbus.ObjectPath) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case signal, open := <-signals:
			if !open {
				return errors.New("the bus has hung up")
			}
			switch result, ok := ended(signal, job); {
			case ok && result != "done":
				return fmt.Errorf("the job's result is %q", result)
			case ok:
				return nil
			}
		}
	}
}

// property and auxiliary are arguments of StartTransientUnit.
type (
	property struct {
		Name  string
		Value dbus.Variant
	}
	auxiliary struct {
		Name       string
		Properties []property
	}
)

// callForScope queues the scope's start. It is removed when its processes have ended,
// also after a failure (CollectMode), and lives on when the kernel kills one of
// the container's for want of memory, for which systemd would else end all of it.
func callForScope(ctx context.Context, manager dbus.BusObject, name string) (job dbus.ObjectPath, err error) {
	properties := []property{
		{"Description", dbus.MakeVariant("A container of unc's")},
		{"PIDs", dbus.MakeVariant([]uint32{uint32(os.Getpid())})},
		{"Delegate", dbus.MakeVariant(true)},
		{"CollectMode", dbus.MakeVariant("inactive-or-failed")},
		{"OOMPolicy", dbus.MakeVariant("continue")},
	}
	for {
		err := manager.CallWithContext(ctx, managerIface+".StartTransientUnit", dbus.FlagNoAutoStart,
			name, "fail", properties, []auxiliary{}).Store(&job)
		last := len(properties) - 1
		if properties[last].Name == "OOMPolicy" && isCalled(err, "PropertyReadOnly", "UnknownProperty", "InvalidArgs") {
			// Before systemd 253 a scope has no such property, and needs none.
			properties = properties[:last]
			continue
		}
		return job, err
	}
}

// isCalled tells whether err is D-Bus's of one of these names.
func isCalled(err error, names ...string) bool {
	var e dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	name, ok := strings.CutPrefix(e.Name, "org.freedesktop.DBus.Error.")
	return ok && slices.Contains(names, name)
}

// ended tells a job's result, if that is what the signal is about.
func ended(signal *dbus.Signal, job dbus.ObjectPath) (result string, ok bool) {
	var (
		id         uint32
		path       dbus.ObjectPath
		unit       string
		isJobsEnd  = signal.Name == managerIface+".JobRemoved"
		cantBeRead = dbus.Store(signal.Body, &id, &path, &unit, &result) != nil
	)
	return result, isJobsEnd && !cantBeRead && path == job
}

// busAddresses are where the user's systemd listens. Called by root for a user, or
// through su, a process has none of the user's environment.
func busAddresses(getenv func(string) string, uid int) []string {
	var list []string
	if address := getenv("DBUS_SESSION_BUS_ADDRESS"); strings.HasPrefix(address, "unix:") {
		list = append(list, address)
	}
	for _, dir := range []string{getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(uid)} {
		socket := dir + "/bus"
		var st unix.Stat_t
		if dir == "" || unix.Stat(socket, &st) != nil || int(st.Uid) != uid {
			continue // a bus of somebody else's would be told that it is ours
		}
		if address := "unix:path=" + dbus.EscapeBusAddressValue(socket); !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}
