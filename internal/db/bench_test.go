package db_test

import (
	"fmt"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
)

var one = db.SQL("test.one", `select 1`)

// BenchmarkStatement is the price of one prepared statement inside a transaction.
func BenchmarkStatement(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		d := benchDB(b, dialect)
		in := func(name string, fn func(tx *db.Tx, i int) error) {
			b.Run(dialect.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				err := d.Write(b.Context(), func(tx *db.Tx) error {
					for i := range b.N {
						if err := fn(tx, i); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		}
		var n int64
		in("one", func(tx *db.Tx, _ int) error { return tx.QueryRow(one, nil, &n) })
		in("queryrow", func(tx *db.Tx, _ int) error { return tx.QueryRow(nameOf2, []any{1}, new(string)) })
		in("update", func(tx *db.Tx, _ int) error { _, err := tx.Exec(setName, 1, "a"); return err })
		for _, rows := range []int{1, 4, 8, 16, 32, 64} {
			batch := make([][]any, rows)
			for i := range batch {
				batch[i] = []any{int64(1), nil, true, []byte("0123456789abcdef")}
			}
			in(fmt.Sprintf("insert%d", rows), func(tx *db.Tx, i int) error {
				if i%rows != 0 {
					return nil
				}
				_, err := tx.Bulk(plainChild, batch)
				return err
			})
		}
	}
}

var plainChild = db.SQL("test.plainChild", `insert into child (parent_id, note, flag, data) values ($1, $2, $3, $4)`)

func benchDB(b *testing.B, dialect db.Dialect) *db.DB {
	b.Helper()
	d, err := db.Open(b.Context(), dbtest.DSN(b, dialect), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	err = d.Write(b.Context(), func(tx *db.Tx) error {
		if err := tx.Script("test.schema", schema); err != nil {
			return err
		}
		_, err := tx.Exec(addParent, 1, "a")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkWrite is the price of a transaction with one row, with its sync.
func BenchmarkWrite(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		d := benchDB(b, dialect)
		b.Run(dialect.String(), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				err := d.Write(b.Context(), func(tx *db.Tx) error {
					_, err := tx.Exec(plainChild, 1, nil, true, []byte("x"))
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(dialect.String()+"/read", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				err := d.Read(b.Context(), func(tx *db.Tx) error { return tx.QueryRow(nameOf2, []any{1}, new(string)) })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
