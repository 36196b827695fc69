// Package migrate creates and changes the tables of a database.
//
// A migration is a file sql/NNNN_name.sql, one text for both engines with the tokens of
// [db.Dialect.Translate]. Migrations go forward only, in the order of their numbers, each in one
// transaction that also writes its row in schema_migration; on PostgreSQL an advisory lock lets one
// process at a time do it. A file that was applied is never edited: what it was is kept as a hash, and a
// database that knows more, or something else, than this program is refused.
package migrate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
)

//go:embed sql/*.sql
var embedded embed.FS

// advisoryLock is the number under which PostgreSQL keeps two processes from migrating at once.
const advisoryLock = 0x63757370 // "cusp"

// A Migration is one numbered step.
type Migration struct {
	Number int
	Name   string // without number and ending: "identity"
	Hash   string // SHA-256 of the text, in hex
	text   string
}

var (
	lock   = db.SQL("migrate.lock", `/* postgres only */ select pg_advisory_xact_lock($1)`)
	list   = db.SQL("migrate.list", `select number, name, hash from schema_migration order by number`)
	record = db.SQL("migrate.record", `insert into schema_migration (number, name, hash, applied_at) values ($1, $2, $3, $4)`)
)

const table = `create table if not exists schema_migration (
	number     bigint primary key,
	name       text not null,
	hash       {{key}} not null,
	applied_at bigint not null
)`

// Run brings a database to this program's state and returns what it applied, in order. A database that
// is up to date is only read.
func Run(ctx context.Context, d *db.DB) ([]Migration, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	return run(ctx, d, all)
}

func run(ctx context.Context, d *db.DB, all []Migration) ([]Migration, error) {
	var applied []Migration
	for {
		var next *Migration
		err := d.Write(ctx, func(t *db.Tx) (err error) {
			next, err = step(t, all)
			return err
		})
		if err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
		if next == nil {
			return applied, nil
		}
		applied = append(applied, *next)
	}
}

// step applies the first migration that is missing, if any.
func step(t *db.Tx, all []Migration) (*Migration, error) {
	if t.Dialect() == db.Postgres {
		var void any
		if err := t.QueryRow(lock, []any{advisoryLock}, &void); err != nil {
			return nil, err
		}
	}
	if err := t.Script("migrate.table", table); err != nil {
		return nil, err
	}
	have, err := read(t)
	if err != nil {
		return nil, err
	}
	if err := compare(have, all); err != nil {
		return nil, err
	}
	for _, m := range all {
		if _, ok := have[m.Number]; ok {
			continue
		}
		if err := t.Script("migrate."+m.Name, m.text); err != nil {
			return nil, err
		}
		_, err := t.Exec(record, m.Number, m.Name, m.Hash, time.Now().UnixMicro())
		return &m, err
	}
	return nil, nil
}

func read(t *db.Tx) (map[int]Migration, error) {
	have := map[int]Migration{}
	err := t.Query(list, nil, func(rows *sql.Rows) error {
		var m Migration
		err := rows.Scan(&m.Number, &m.Name, &m.Hash)
		have[m.Number] = m
		return err
	})
	return have, err
}

// compare refuses a database that was made by a newer or another program.
func compare(have map[int]Migration, all []Migration) error {
	known := map[int]Migration{}
	for _, m := range all {
		known[m.Number] = m
	}
	for _, n := range slices.Sorted(maps.Keys(have)) {
		m, ok := known[n]
		if !ok {
			return fault.New(fault.Unavailable, "the database was changed by a newer Cusp (migration %04d_%s)", n, have[n].Name).
				WithCode("database_newer").WithHint("start that version, or restore a backup made before the upgrade")
		}
		if m.Hash != have[n].Hash {
			return fault.New(fault.Unavailable, "the database was made by another build of Cusp: migration %04d_%s differs", n, m.Name).
				WithCode("database_differs").WithHint("use a released version, or begin with an empty database")
		}
	}
	return nil
}

// All returns this program's migrations by number.
func All() ([]Migration, error) { return load(embedded) }

func load(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var all []Migration
	for _, name := range names { // sorted
		m, err := parse(files, name)
		if err != nil {
			return nil, err
		}
		if n := len(all); n > 0 && all[n-1].Number == m.Number {
			return nil, fmt.Errorf("migrations %s and %s have the same number", all[n-1].Name, m.Name)
		}
		all = append(all, m)
	}
	return all, nil
}

func parse(files fs.FS, path string) (Migration, error) {
	base := strings.TrimSuffix(strings.TrimPrefix(path, "sql/"), ".sql")
	digits, name, ok := strings.Cut(base, "_")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil || number <= 0 || len(digits) != 4 || name == "" {
		return Migration{}, fmt.Errorf("migration %s is not named NNNN_name.sql", path)
	}
	text, err := fs.ReadFile(files, path)
	if err != nil {
		return Migration{}, fmt.Errorf("read migration %s: %w", path, err)
	}
	sum := sha256.Sum256(text)
	return Migration{Number: number, Name: name, Hash: hex.EncodeToString(sum[:]), text: string(text)}, nil
}
