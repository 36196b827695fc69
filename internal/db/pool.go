package db

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"cusp/internal/fault"
)

// session is one connection with the statements prepared on it. One transaction uses it at a time.
type session struct {
	conn  *sql.Conn
	stmts map[stmtKey]*sql.Stmt // nil on PostgreSQL: pgx keeps its own cache by text
}

type stmtKey struct {
	statement *Statement
	shape     shape
}

// prepared returns the statement on this connection; preparing happens once per connection.
func (s *session) prepared(ctx context.Context, st *Statement, sh shape) (*sql.Stmt, error) {
	key := stmtKey{st, sh}
	if p, ok := s.stmts[key]; ok {
		return p, nil
	}
	f := st.form(SQLite, sh)
	if f.err != nil {
		return nil, f.err
	}
	p, err := s.conn.PrepareContext(context.WithoutCancel(ctx), f.text)
	if err != nil {
		return nil, err
	}
	s.stmts[key] = p
	return p, nil
}

// close gives up the connection; an open transaction is rolled back by that.
func (s *session) close() {
	for _, p := range s.stmts {
		_ = p.Close() // the connection goes away anyway
	}
	discard(s.conn)
}

// pool hands out sessions, the warmest first. PostgreSQL uses the pool of database/sql instead.
type pool struct {
	db    *sql.DB
	slots chan struct{}

	mu     sync.Mutex
	idle   []*session
	closed bool
}

func newPool(d *sql.DB, size int) *pool {
	d.SetMaxOpenConns(size)
	d.SetMaxIdleConns(size)
	d.SetConnMaxLifetime(0)
	return &pool{db: d, slots: make(chan struct{}, size)}
}

// acquire waits for a free session, opening one when there is room.
func (p *pool) acquire(ctx context.Context) (*session, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a database connection: %w", context.Cause(ctx))
	}
	s, err := p.pop()
	if err == nil && s == nil {
		s, err = p.open(ctx)
	}
	if err != nil {
		<-p.slots
		return nil, err
	}
	return s, nil
}

func (p *pool) pop() (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fault.New(fault.Unavailable, "the database is closed")
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	return nil, nil
}

func (p *pool) open(ctx context.Context) (*session, error) {
	// Held for long, so it must not die with the request that happened to open it.
	conn, err := p.db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("open a database connection: %w", err)
	}
	return &session{conn: conn, stmts: map[stmtKey]*sql.Stmt{}}, nil
}

// release takes a session back; one in an unknown state is thrown away.
func (p *pool) release(s *session, broken bool) {
	p.mu.Lock()
	keep := !broken && !p.closed
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.close()
	}
	<-p.slots
}

// close waits for no one: sessions in use are closed when they come back.
func (p *pool) close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.close()
	}
	return p.db.Close()
}
