package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"cusp/internal/fault"
)

// Result codes of SQLite, https://sqlite.org/rescode.html.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadonly   = 8
	sqliteIOErr      = 10
	sqliteCorrupt    = 11
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqliteNotADB     = 26
	sqliteForeignKey = 787
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
	sqliteRowID      = 2579
)

// classify turns an error of a driver into a fault; a fault stays as it is.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(e.Code(), err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(e.Code, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "the request ended before the database answered").
			WithCode("timeout").WithCause(err)
	}
	if lostConnection(err) {
		return fault.New(fault.Unavailable, "the database does not answer").
			WithCode("database_unavailable").WithHint("try again in a moment").WithCause(err)
	}
	return err
}

func lostConnection(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}

func duplicate(err error) error {
	return fault.New(fault.Conflict, "this exists already").WithCode("duplicate").WithCause(err)
}

func referenced(err error) error {
	return fault.New(fault.Conflict, "this belongs to something that does not exist, or is still needed by something else").
		WithCode("referenced").WithCause(err)
}

func busy(err error) error {
	return fault.New(fault.Unavailable, "the database is busy").WithCode("busy").
		WithHint("try again in a moment").WithCause(err)
}

func classifySQLite(code int, err error) error {
	switch code {
	case sqliteUnique, sqlitePrimaryKey, sqliteRowID:
		return duplicate(err)
	case sqliteForeignKey:
		return referenced(err)
	}
	switch code & 0xff {
	case sqliteBusy, sqliteLocked:
		return busy(err)
	case sqliteFull:
		return fault.New(fault.Unavailable, "the disk is full").WithCode("disk_full").
			WithHint("free some space on the disk of the database file; nothing was stored").WithCause(err)
	case sqliteIOErr:
		return fault.New(fault.Unavailable, "the disk of the database file fails").WithCode("disk_error").WithCause(err)
	case sqliteReadonly, sqliteCantOpen:
		return fault.New(fault.Unavailable, "the database file cannot be written").
			WithHint("check the owner and the permissions of the file and of its folder").WithCause(err)
	case sqliteCorrupt, sqliteNotADB:
		return fault.New(fault.Internal, "the database file is damaged or is not a Cusp database").
			WithHint("restore it from a backup").WithCause(err)
	}
	return err
}

// classifyPostgres reads SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html.
func classifyPostgres(code string, err error) error {
	switch code {
	case "23505":
		return duplicate(err)
	case "23503":
		return referenced(err)
	case "40001", "40P01", "55P03":
		return busy(err)
	case "22021", "22P05":
		return fault.New(fault.Invalid, "a text holds a character that cannot be stored").WithCause(err)
	case "42P01":
		return fault.New(fault.Internal, "a table is missing").WithHint("run: cusp migrate").WithCause(err)
	}
	switch code[:2] {
	case "08", "53", "57", "58":
		return fault.New(fault.Unavailable, "the database does not answer").
			WithCode("database_unavailable").WithHint("try again in a moment").WithCause(err)
	}
	return err
}

// refused says that the server itself rolled the transaction back and asks for it to be run again. SQLite
// has no such answer: its busy timeout has waited already.
func refused(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}
