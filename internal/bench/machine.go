package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is where a figure was measured.
type Machine struct {
	Cores      int     `json:"cores"`
	CPU        string  `json:"cpu"`
	MemoryGiB  float64 `json:"memory_gib"`
	OS         string  `json:"os"`
	Arch       string  `json:"arch"`
	Go         string  `json:"go"`
	FsyncUS    float64 `json:"fsync_us"`    // median of appending 4 KiB and syncing, in microseconds
	LoopbackUS float64 `json:"loopback_us"` // median TCP round trip of one byte, in microseconds
}

// look describes the machine; dir is on the disk that is measured.
func look(ctx context.Context, dir string) (Machine, error) {
	m := Machine{
		Cores: runtime.GOMAXPROCS(0), CPU: procField("/proc/cpuinfo", "model name"),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
	}
	if kb, ok := strings.CutSuffix(procField("/proc/meminfo", "MemTotal"), " kB"); ok {
		if n, err := strconv.ParseFloat(strings.TrimSpace(kb), 64); err == nil {
			m.MemoryGiB = n / (1 << 20)
		}
	}
	var err error
	if m.FsyncUS, err = fsyncLatency(dir); err != nil {
		return m, err
	}
	if m.LoopbackUS, err = loopbackLatency(ctx); err != nil {
		return m, err
	}
	return m, nil
}

// procField is the value of the first "name: value" line of a file under /proc; "" where there is none,
// as on systems other than Linux.
func procField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func fsyncLatency(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	var took []float64
	for range 200 {
		begin := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		took = append(took, float64(time.Since(begin).Nanoseconds())/1e3)
	}
	return median(took), nil
}

func loopbackLatency(ctx context.Context) (float64, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("measure loopback: %w", err)
	}
	defer l.Close()
	go echo(l)
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("measure loopback: %w", err)
	}
	defer c.Close()
	var one [1]byte
	var took []float64
	for range 2000 {
		begin := time.Now()
		if _, err := c.Write(one[:]); err != nil {
			return 0, fmt.Errorf("measure loopback: %w", err)
		}
		if _, err := c.Read(one[:]); err != nil {
			return 0, fmt.Errorf("measure loopback: %w", err)
		}
		took = append(took, float64(time.Since(begin).Nanoseconds())/1e3)
	}
	return median(took), nil
}

// echo answers one connection until it closes.
func echo(l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	var one [1]byte
	for {
		if _, err := c.Read(one[:]); err != nil {
			return
		}
		if _, err := c.Write(one[:]); err != nil {
			return
		}
	}
}
