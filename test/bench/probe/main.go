// Command probe measures for test/bench/all. It is a server or a client, and prints
// one number; or it starts containers, and prints lines of samples; or makes
// benchmarks.json of such lines.
//
//	probe serve ADDRESS       on one address: TCP echo at :7, UDP sink at :9, HTTP at :80
//	probe rr ADDRESS T        round trips of one byte over one TCP connection, per second
//	probe packets ADDRESS T   UDP datagrams of 18 bytes (64 on the wire) received, per second
//	probe http URL T          HTTP requests over 16 kept connections, per second
//	probe connect URL T       HTTP requests, each over a connection of its own, per second
//	probe setup UNC LEASES    milliseconds that net-setup takes beyond its start, at so many leases
//	probe scale USER UID WHO COUNT COMMAND...   many containers at once (scale.go)
//	probe results DIR         samples, failures and versions in DIR as JSON (results.go)
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	runtime.LockOSThread() // sleepers end with the thread that made them
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "serve" {
		return serve(args[1])
	}
	if len(args) == 2 && args[0] == "results" {
		return results(args[1])
	}
	if len(args) > 5 && args[0] == "scale" {
		uid, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return scale(args[1], uid, args[3], args[4], args[5:])
	}
	if len(args) > 3 && args[0] == "starts" {
		return starts(args[1], args[2], args[3:])
	}
	if len(args) != 3 {
		return errors.New("see the comment at the top of main.go")
	}
	if args[0] == "setup" {
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return setup(args[1], count)
	}
	seconds, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return err
	}
	measure, known := map[string]func(string, time.Duration) (float64, error){
		"rr": roundTrips, "packets": packets,
		"http":    func(url string, d time.Duration) (float64, error) { return requests(url, d, true) },
		"connect": func(url string, d time.Duration) (float64, error) { return requests(url, d, false) },
	}[args[0]]
	if !known {
		return fmt.Errorf("nothing to measure is called %q", args[0])
	}
	perSecond, err := measure(args[1], time.Duration(seconds*float64(time.Second)))
	if err == nil {
		fmt.Printf("%.0f\n", perSecond)
	}
	return err
}

func serve(address string) error {
	echo, err := net.Listen("tcp", net.JoinHostPort(address, "7"))
	if err != nil {
		return err
	}
	sink, err := net.ListenPacket("udp", net.JoinHostPort(address, "9"))
	if err != nil {
		return err
	}
	web, err := net.Listen("tcp", net.JoinHostPort(address, "80"))
	if err != nil {
		return err
	}
	go count(sink)
	go func() {
		_ = http.Serve(web, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello, world\n")
		}))
	}()
	fmt.Println("ready")
	for {
		conn, err := echo.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, _ = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 512))
		}()
	}
}

// query asks the sink how many datagrams it has received.
var query = []byte("how many?")

func count(sink net.PacketConn) {
	received := uint64(0)
	buf := make([]byte, 64)
	for {
		n, from, err := sink.ReadFrom(buf)
		if err != nil {
			return
		}
		if n == len(query) {
			_, _ = sink.WriteTo(binary.BigEndian.AppendUint64(nil, received), from)
			continue
		}
		received++
	}
}

func roundTrips(address string, d time.Duration) (float64, error) {
	conn, err := net.Dial("tcp", net.JoinHostPort(address, "7"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	one := []byte{1}
	n, start := 0, time.Now()
	for time.Since(start) < d {
		if _, err := conn.Write(one); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func packets(address string, d time.Duration) (float64, error) {
	conn, err := net.Dial("udp", net.JoinHostPort(address, "9"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	before, err := received(conn)
	if err != nil {
		return 0, err
	}
	small := make([]byte, 18)
	start := time.Now()
	for time.Since(start) < d {
		for range 64 {
			_, _ = conn.Write(small) // a full queue loses it, and it is not counted
		}
	}
	took := time.Since(start)
	after, err := received(conn)
	return float64(after-before) / took.Seconds(), err
}

func received(conn net.Conn) (uint64, error) {
	answer := make([]byte, 8)
	for range 20 {
		if _, err := conn.Write(query); err != nil {
			return 0, err
		}
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, err := conn.Read(answer); err == nil && n == 8 {
			return binary.BigEndian.Uint64(answer), nil
		}
	}
	return 0, errors.New("the sink does not answer")
}

func requests(url string, d time.Duration, keep bool) (float64, error) {
	const connections = 16
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableKeepAlives: !keep,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}}
	var done atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	start := time.Now()
	for range connections {
		all.Go(func() {
			for time.Since(start) < d {
				answer, err := client.Get(url)
				if err == nil {
					_, err = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				if err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err, bad := failed.Load().(error); bad {
		return 0, err
	}
	return float64(done.Load()) / time.Since(start).Seconds(), nil
}

// setup makes so many network namespaces, has all but the last 31 attached, and
// times net-setup with these. The start of the process is timed by having it refuse
// a namespace, which it does after all that it does before it has one.
func setup(unc string, leases int) error {
	const timed = 31
	var took, start []time.Duration
	for n := range leases {
		pid, err := sleeper()
		if err != nil {
			return err
		}
		target := strconv.Itoa(pid)
		if n >= leases-timed {
			d, err := clock(exec.Command(unc, "net-setup", "0"))
			if err == nil {
				return errors.New("net-setup took process 0")
			}
			start = append(start, d)
		}
		d, err := clock(exec.Command(unc, "net-setup", target))
		if err != nil {
			return fmt.Errorf("net-setup number %d: %w", n+1, err)
		}
		if n >= leases-timed {
			took = append(took, d)
		}
	}
	slices.Sort(took)
	slices.Sort(start)
	fmt.Printf("%.2f\n", float64((took[len(took)/2]-start[len(start)/2]).Microseconds())/1000)
	return nil
}

// sleeper is a process in a network namespace of its own. It ends with this one.
func sleeper() (int, error) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return cmd.Process.Pid, nil
}

func clock(cmd *exec.Cmd) (time.Duration, error) {
	start := time.Now()
	err := cmd.Run()
	return time.Since(start), err
}
