package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/fault"
)

// socketMax is the longest path that the system takes for a socket, less a little.
const socketMax = 100

// SocketPath is where the server that owns a SQLite file listens for commands: beside the file, named
// like it with ".sock" at the end. A path that is too long for a socket moves to a private folder among
// the temporary files.
func SocketPath(database string) (string, error) {
	full, err := filepath.Abs(database)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", database, err)
	}
	if target, err := filepath.EvalSymlinks(full); err == nil {
		full = target
	}
	if path := full + ".sock"; len(path) <= socketMax {
		return path, nil
	}
	sum := sha256.Sum256([]byte(full))
	dir := filepath.Join(os.TempDir(), "cusp-"+strconv.Itoa(os.Getuid()))
	return filepath.Join(dir, hex.EncodeToString(sum[:8])+".sock"), nil
}

// listenSocket opens the socket for this process's user alone. The caller owns the database, so that a
// socket that lies there already is left over from a crash.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the socket %s cannot be made", path).WithCause(err).
			WithHint("check the permissions of its folder")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the socket: %w", err), l.Close())
	}
	return l, nil
}

// privateDir makes the folder of a socket when it is missing, and refuses one among the temporary files
// that somebody else could have made.
func privateDir(dir string) error {
	if filepath.Dir(dir) != filepath.Clean(os.TempDir()) || filepath.Base(dir) != "cusp-"+strconv.Itoa(os.Getuid()) {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder of the socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the folder of the socket: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.Denied, "%s is open to others", dir).WithHint("remove it; it is made anew")
	}
	return nil
}

// ownerOf marks the requests that come over the socket: whoever may open it may open the database.
func ownerOf(ctx context.Context, conn net.Conn) context.Context {
	if conn.LocalAddr().Network() == "unix" {
		return access.With(ctx, access.Machine())
	}
	return ctx
}
