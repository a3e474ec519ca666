package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scale starts many containers one after the other, and measures them all. It is root,
// who can read how much memory others have, and goes over to the user with the program user
// for the starts:
//
//	scale (root)                     starts (the user)
//	samples ◀──── "MEASURE WHO AT VALUE" ───  each container, until it says that it is up
//	memory  ◀──── "mark N" ─────────────────  and waits
//	        ───── one line ────────────────▶
//	teardown ◀─── "all" ────────────────────
//	kills everything of the user's but it;    waits for its children
//	waits for links       ◀──── end ────────
func scale(user string, uid int, who string, count string, command []string) error {
	cmd := exec.Command(user, slices.Concat([]string{os.Args[0], "starts", who, count}, command)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var killed time.Time
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if at, found := strings.CutPrefix(line, "mark "); found {
			n, _ = strconv.Atoi(at)
			kilobytes, err := memory(uid, cmd.Process.Pid)
			if err != nil {
				return err
			}
			fmt.Printf("scale-memory\t%s\t%d\t%.0f\n", who, n, float64(kilobytes)/float64(n))
			_, _ = io.WriteString(in, "\n")
			continue
		}
		if line == "all" {
			killed = time.Now()
			if err := killAll(uid, cmd.Process.Pid); err != nil {
				return err
			}
			continue
		}
		fmt.Println(line)
	}
	err = cmd.Wait()
	for range 6000 {
		if left, failed := links(); failed != nil || left == 0 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if !killed.IsZero() && n > 0 {
		fmt.Printf("scale-teardown\t%s\t%d\t%.0f\n", who, n, float64(time.Since(killed).Microseconds())/1000)
	}
	return err
}

// links counts the links of containers, which unc and LXC call so.
func links() (n int, err error) {
	all, err := net.Interfaces()
	for _, link := range all {
		if strings.HasPrefix(link.Name, "uv") || strings.HasPrefix(link.Name, "veth") {
			n++
		}
	}
	return n, err
}

// starts is what scale runs as the user.
func starts(who, count string, command []string) error {
	most, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	stdin := bufio.NewReader(os.Stdin)
	var running []*exec.Cmd
	var failed error
	for n := 1; n <= most && failed == nil; n++ {
		began := time.Now()
		cmd, err := upAndRunning(n, command)
		if err != nil {
			failed = fmt.Errorf("number %d: %w", n, err)
			break
		}
		took := time.Since(began)
		running = append(running, cmd)
		// Fifty are one point of the line; the first makes what the others find.
		measure, at := "scale-start", (n+49)/50*50
		if n == 1 {
			measure, at = "scale-first", 1
		}
		fmt.Printf("%s\t%s\t%d\t%.3f\n", measure, who, min(at, most), float64(took.Microseconds())/1000)
		if n == 1 || n == 100 || n == most {
			<-time.After(1500 * time.Millisecond) // unc makes itself small when a container has run for a second
			fmt.Printf("mark %d\n", n)
			if _, err := stdin.ReadString('\n'); err != nil {
				return err
			}
		}
	}
	if names := os.Getenv("NAMES"); names != "" && failed == nil {
		said, err := exec.Command("sh", "-c", names).Output()
		if err != nil {
			failed = fmt.Errorf("asking for names: %w", err)
		} else {
			fmt.Printf("scale-names\t%s\t%d\t%s\n", who, most, strings.TrimSpace(string(said)))
		}
	}
	fmt.Println("all")
	for _, cmd := range running {
		_ = cmd.Wait() // killed
	}
	return failed
}

// upAndRunning starts container n, and waits until its command has said so.
func upAndRunning(n int, command []string) (*exec.Cmd, error) {
	fill := strings.NewReplacer("{}", strconv.Itoa(n), "{ip}", fmt.Sprintf("10.98.%d.%d", n/250, n%250+2))
	args := make([]string, len(command))
	for i, a := range command {
		args[i] = fill.Replace(a)
	}
	cmd := exec.Command(args[0], args[1:]...)
	// A pipe of one's own: Wait closes the one of StdoutPipe, which would be read no more.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	complaint, err := os.CreateTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.Remove(complaint.Name())
	defer complaint.Close()
	cmd.Stdout, cmd.Stderr = w, complaint
	err = cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		said, _ := os.ReadFile(complaint.Name())
		return nil, fmt.Errorf("%q and no more: %w: %s", line, err, strings.TrimSpace(string(said)))
	}
	return cmd, nil
}

// theirs calls f for each process of the user's but the one that starts them.
func theirs(uid, starter int, f func(pid int) error) error {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == starter {
			continue
		}
		status, err := os.ReadFile("/proc/" + entry.Name() + "/status")
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", uid)) {
			if err := f(pid); err != nil {
				return err
			}
		}
	}
	return nil
}

// memory is what the user's containers have in kilobytes, shared pages in parts (PSS in proc(5)).
func memory(uid, starter int) (kilobytes int, err error) {
	err = theirs(uid, starter, func(pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return nil // it has ended
		}
		_, rest, _ := strings.Cut(string(text), "\nPss:")
		fields := strings.Fields(rest)
		if err != nil || len(fields) == 0 {
			return fmt.Errorf("reading the memory of process %d: %w", pid, err)
		}
		part, err := strconv.Atoi(fields[0])
		kilobytes += part
		return err
	})
	return kilobytes, err
}

func killAll(uid, starter int) error {
	return theirs(uid, starter, func(pid int) error {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return nil
	})
}
