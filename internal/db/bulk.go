package db

import (
	"database/sql"
	"fmt"

	"cusp/internal/fault"
)

// Many rows go in chunks of these sizes, so that few texts are prepared and each is used again. A
// statement never has more parameters than its engine likes: SQLite parses and binds them one by one,
// PostgreSQL pays a round trip for each statement.
var (
	sqliteSizes   = []int{64, 16, 4, 1}
	postgresSizes = []int{512, 128, 32, 8, 1}
	listSizes     = []int{1, 4, 16, 64, 256}
)

const (
	sqliteParams   = 900
	postgresParams = 8_000
)

// Bulk runs a statement once for many rows. Its text is written for one row, "insert into t (a, b)
// values ($1, $2) on conflict …": the first group after values is repeated, and all placeholders stand
// in it. Rows with the same key must not come twice when the statement updates on conflict: PostgreSQL
// refuses that. The result is the number of rows changed.
func (t *Tx) Bulk(s *Statement, rows [][]any) (affected int64, err error) {
	err = t.chunks(s, rows, func(sh shape, args []any) error {
		n, err := t.exec(s, sh, args)
		affected += n
		return err
	})
	return affected, err
}

// BulkQuery is [Tx.Bulk] for a statement with a returning clause. The order of what is returned is not
// that of the rows.
func (t *Tx) BulkQuery(s *Statement, rows [][]any, scan func(*sql.Rows) error) error {
	return t.chunks(s, rows, func(sh shape, args []any) error { return t.query(s, sh, args, scan) })
}

func (t *Tx) chunks(s *Statement, rows [][]any, run func(shape, []any) error) error {
	if err := t.usable(); err != nil || len(rows) == 0 {
		return err
	}
	f := s.form(t.dialect, shape{rows: 1})
	if f.err != nil {
		return t.poison(s, f.err)
	}
	sizes, limit := sqliteSizes, sqliteParams
	if t.dialect == Postgres {
		sizes, limit = postgresSizes, postgresParams
	}
	var args []any
	for len(rows) > 0 {
		n := chunk(sizes, len(rows), limit/f.group)
		args = args[:0]
		for _, r := range rows[:n] {
			if len(r) != f.group {
				return t.poison(s, fmt.Errorf("a row has %d values instead of %d", len(r), f.group))
			}
			args = append(args, r...)
		}
		if err := run(shape{rows: n}, args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// chunk is the largest size that n rows fill and that fits the engine.
func chunk(sizes []int, n, fits int) int {
	for _, size := range sizes {
		if size <= n && size <= fits {
			return size
		}
	}
	return 1
}

// QueryIn runs a query whose text has "in ($1)" with a list of keys in place of $1; further arguments
// are $2, $3 …. Lists are padded to a few sizes by repeating the last key. More than 256 keys are
// fetched in several queries, so the order of the rows holds only within 256 keys; keys should be
// distinct. No keys, no query.
func (t *Tx) QueryIn(s *Statement, keys, args []any, scan func(*sql.Rows) error) error {
	largest := listSizes[len(listSizes)-1]
	if len(args)+largest > sqliteParams {
		return t.poison(s, fault.New(fault.Internal, "too many arguments beside the list"))
	}
	for len(keys) > 0 {
		n := min(len(keys), largest)
		size := listSize(n)
		all := make([]any, 0, size+len(args))
		all = append(all, keys[:n]...)
		for len(all) < size {
			all = append(all, keys[n-1])
		}
		if err := t.query(s, shape{list: size}, append(all, args...), scan); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func listSize(n int) int {
	for _, size := range listSizes {
		if n <= size {
			return size
		}
	}
	return n
}
