// Package db is the only package that knows a database driver. It opens SQLite and PostgreSQL and runs
// one text of SQL on both.
//
// In: statements declared once with [SQL], in PostgreSQL's dialect with $1 placeholders. Out: rows,
// handed to scan functions, and errors as [fault] kinds, recognised by the engine's codes.
//
// Invariants: all work happens in [DB.Read] or [DB.Write]; a [Tx] ends with its function and is
// poisoned by its first error, on both engines; a write that failed with a serialization error is run
// again from the start; an error of COMMIT means that nobody knows the outcome, and says so. SQLite runs
// with WAL and synchronous=FULL, one writer and several query-only readers, and belongs to one process
// (see [Lock]).
//
// Begin reading at [DB.Write]; package migrate holds the tables, package dbtest real databases for tests.
package db
