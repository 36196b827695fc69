package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"cusp/internal/fault"
)

const (
	busyMillis      = 10_000    // how long a lock of another process (a backup, a shell) is waited for
	writerCacheKiB  = 64 << 10  // the writer's page cache: the hot tables stay in it
	readerCacheKiB  = 8 << 10   // a reader's
	checkpointPages = 16_384    // 64 MiB of WAL: 40–100 % more writes a second than the default of 1,000
	journalBytes    = 64 << 20  // what a WAL file is cut back to after a checkpoint
	minSQLite       = 3_051_003 // older ones can lose commits (WAL reset race, fixed in 3.51.3)
	sqliteHeader    = "SQLite format 3\x00"
)

type sqliteEngine struct {
	writer, readers *pool
	readOnly        bool
}

// openSQLite opens or creates a database file.
func openSQLite(ctx context.Context, path string, o Options) (*sqliteEngine, error) {
	if err := checkFile(path, o.ReadOnly); err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite", sqliteDSN(path, writerCacheKiB, o.ReadOnly))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	readers, err := sql.Open("sqlite", sqliteDSN(path, readerCacheKiB, true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close())
	}
	e := &sqliteEngine{newPool(writer, 1), newPool(readers, o.readers()), o.ReadOnly}
	if err := e.check(ctx, path); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// readers is the number of reading connections: reading is CPU work here, so a few per core.
func (o Options) readers() int {
	if o.MaxReaders > 0 {
		return o.MaxReaders
	}
	return max(4, 2*runtime.NumCPU())
}

// checkFile finds the usual mistakes before SQLite words them.
func checkFile(path string, readOnly bool) error {
	if path == "" || strings.Contains(path, ":memory:") {
		return fault.New(fault.Invalid, "%q is not a database file", path).
			WithHint("name a file such as cusp.db, or a server: postgres://user@host/name")
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return checkFolder(path, readOnly)
	}
	if err != nil {
		return fault.New(fault.Invalid, "the database file %s cannot be read", path).WithCause(err)
	}
	defer func() { _ = f.Close() }() // only read from
	head := make([]byte, len(sqliteHeader))
	n, err := f.Read(head)
	if n > 0 && string(head[:n]) != sqliteHeader[:n] || err != nil && n > 0 {
		return fault.New(fault.Invalid, "%s is not a Cusp database", path).
			WithHint("name another file, or move this one away").WithCause(err)
	}
	return nil
}

func checkFolder(path string, readOnly bool) error {
	if readOnly {
		return fault.New(fault.NotFound, "there is no database file %s", path)
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fault.New(fault.Invalid, "the folder %s for the database file does not exist", dir).
			WithHint("create it: mkdir -p %s", dir).WithCause(err)
	}
	return nil
}

// sqliteDSN is the file as a URI with the settings of one connection. The busy timeout comes first: the
// driver runs it before the others, which may have to wait for a lock.
func sqliteDSN(path string, cacheKiB int, queryOnly bool) string {
	escape := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")
	pragmas := []string{
		"busy_timeout(" + strconv.Itoa(busyMillis) + ")",
		"journal_mode(wal)",
		"synchronous(full)",
		"foreign_keys(on)",
		"cache_size(-" + strconv.Itoa(cacheKiB) + ")",
		"wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")",
		"journal_size_limit(" + strconv.Itoa(journalBytes) + ")",
		"temp_store(memory)",
	}
	if queryOnly {
		pragmas = append(pragmas, "query_only(on)")
	}
	return "file:" + escape.Replace(path) + "?_pragma=" + strings.Join(pragmas, "&_pragma=")
}

// check proves that the file is a database, that the engine is recent enough and that it really logs
// ahead and syncs.
func (e *sqliteEngine) check(ctx context.Context, path string) error {
	s, err := e.writer.acquire(ctx)
	if err != nil {
		return classify(fmt.Errorf("open %s: %w", path, err))
	}
	defer e.writer.release(s, false)
	var version, journal string
	var sync int
	for q, dest := range map[string]any{
		"select sqlite_version()": &version, "pragma journal_mode": &journal, "pragma synchronous": &sync,
	} {
		if err := s.conn.QueryRowContext(ctx, q).Scan(dest); err != nil {
			return classify(fmt.Errorf("open %s: %w", path, err))
		}
	}
	if versionNumber(version) < minSQLite {
		return fault.New(fault.Unavailable, "SQLite %s can lose data; 3.51.3 or newer is needed", version)
	}
	if journal != "wal" || sync != 2 {
		return fault.New(fault.Unavailable, "%s cannot be used safely: journal %s, synchronous %d", path, journal, sync).
			WithHint("put the file on a local disk: network file systems do not do write-ahead logging")
	}
	return nil
}

// versionNumber turns "3.51.3" into 3051003, as SQLite itself counts.
func versionNumber(s string) int {
	n := 0
	parts := strings.SplitN(s, ".", 3)
	for i := range 3 {
		part := 0
		if i < len(parts) {
			part, _ = strconv.Atoi(parts[i])
		}
		n = n*1000 + part
	}
	return n
}

func (e *sqliteEngine) begin(ctx context.Context, write bool) (*session, error) {
	p, begin := e.readers, beginRead
	if write {
		p, begin = e.writer, beginWrite
	}
	s, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.control(ctx, begin); err != nil {
		p.release(s, true)
		return nil, err
	}
	return s, nil
}

var (
	beginRead  = SQL("db.beginRead", "begin deferred")
	beginWrite = SQL("db.beginWrite", "begin immediate")
	commitTx   = SQL("db.commit", "commit")
	rollbackTx = SQL("db.rollback", "rollback")
)

// control runs a statement that starts or ends a transaction; it is not cancelled half-way.
func (s *session) control(ctx context.Context, st *Statement) error {
	p, err := s.prepared(ctx, st, shape{})
	if err != nil {
		return err
	}
	_, err = p.ExecContext(context.WithoutCancel(ctx))
	return err
}

func (e *sqliteEngine) end(ctx context.Context, s *session, write, commit bool) error {
	p, st := e.readers, rollbackTx
	if write {
		p = e.writer
	}
	if commit {
		st = commitTx
	}
	err := s.control(ctx, st)
	p.release(s, err != nil)
	return err
}

func (e *sqliteEngine) dialect() Dialect { return SQLite }

func (e *sqliteEngine) close() error { return errors.Join(e.readers.close(), e.writer.close()) }
