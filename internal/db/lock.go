package db

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"cusp/internal/fault"
)

// Lock makes this process the owner of a SQLite file until the result is closed or the process ends,
// however it ends. [fault.Conflict] when another process, or another part of this one, owns it. The lock
// lies on a file beside the database, named like it with ".lock" at the end; that file stays.
func Lock(path string) (io.Closer, error) {
	name := resolve(path) + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the lock file %s cannot be written", name).
			WithHint("check the owner and the permissions of its folder").WithCause(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = errors.Join(f.Truncate(0), writePID(f))
	}
	if err == nil {
		return f, nil
	}
	owner := readPID(f)
	_ = f.Close() // it was not written to
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fault.New(fault.Conflict, "%s is in use by another Cusp%s", path, owner).
			WithCode("database_in_use").
			WithHint("stop that one, or let this command talk to it with --url").WithCause(err)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// resolve follows links, so that two names of one file give one lock.
func resolve(path string) string {
	if full, err := filepath.EvalSymlinks(path); err == nil {
		return full
	}
	return path
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// readPID words the owner's process id for a message; empty when it is not known.
func readPID(f *os.File) string {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0) // a short file is what is expected
	if pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n]))); err == nil {
		return " (process " + strconv.Itoa(pid) + ")"
	}
	return ""
}
