package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long a server may take to become ready or to stop.
const patience = 30 * time.Second

// Server is the product running as a child process. It is not safe for concurrent use.
type Server struct {
	Addr string // host and port
	Key  string // a write key of the server kind
	bin  string
	args []string
	cmd  *exec.Cmd
	done chan error // gets the process's end
	log  bytes.Buffer
}

// StartServer makes a write key on the database and serves it with the binary. The playbook is a file.
func StartServer(ctx context.Context, bin, dsn, playbook string) (*Server, error) {
	s := &Server{bin: bin}
	key := exec.CommandContext(ctx, bin, "key", "create", "--kind", "write", "--name", "bench", "--json", "--db", dsn)
	var out, problems bytes.Buffer
	key.Stdout, key.Stderr = &out, &problems
	if err := key.Run(); err != nil {
		return nil, fmt.Errorf("create write key: %w: %s", err, problems.String())
	}
	var made struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(out.Bytes(), &made); err != nil || made.Key == "" {
		return nil, fmt.Errorf("read write key from %q: %w", out.String(), err)
	}
	s.Key = made.Key
	var err error
	if s.Addr, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	s.args = []string{"serve", "--addr", s.Addr, "--db", dsn, "--playbook", playbook}
	return s, s.Restart(ctx)
}

// freeAddr is a loopback address on which nobody listens.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Restart starts the process, which must not be running, and waits until it is ready.
func (s *Server) Restart(ctx context.Context) error {
	s.log.Reset()
	s.cmd = exec.CommandContext(ctx, s.bin, s.args...) //nolint:gosec // the product itself
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(s.cmd, s.done)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !s.ready(ctx) {
		select {
		case err := <-s.done:
			return fmt.Errorf("the server ended: %w: %s", err, s.log.String())
		case <-ctx.Done():
			_ = s.Kill()
			return fmt.Errorf("the server is not ready after %s: %s", patience, s.log.String())
		case <-tick.C:
		}
	}
	return nil
}

func (s *Server) ready(ctx context.Context) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	_ = a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// Stop asks the server to end in order and waits for it.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			return fmt.Errorf("the server ended badly: %w: %s", err, s.log.String())
		}
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("the server does not stop within %s", patience), s.Kill())
	}
}

// Kill ends the process as a crash would: nothing of it runs any more when Kill returns.
func (s *Server) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill server: %w", err)
	}
	if err := <-s.done; err == nil {
		return errors.New("the server ended by itself before it was killed")
	}
	return nil
}

// memory is the resident set of the process now and at its peak, in MiB; 0 where /proc is missing.
func (s *Server) memory() (now, peak float64) {
	path := "/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status"
	return mebibytes(procField(path, "VmRSS")), mebibytes(procField(path, "VmHWM"))
}

// cpu is how long the process has computed; 0 where /proc is missing.
func (s *Server) cpu() time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the program's name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // these two are numbers wherever there is a /proc
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100 // Linux counts in hundredths
}

func mebibytes(field string) float64 {
	kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(field, "kB")), 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}
