package api

import (
	"context"
	"log/slog"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// claim is a request that wants to be the one that happens.
type claim struct {
	key     string // digest of principal and Idempotency-Key
	request string // digest of the request
	at      lead.Instant
}

// kept is an answer that was given.
type kept struct {
	status      int
	contentType string
	body        []byte
}

var insertClaim = db.SQL("api.insertClaim", `
	insert into idempotency (key, request, status, content_type, body, created_at)
	values ($1, $2, 0, '', $3, $4)
	on conflict (key) do nothing`)

var findClaim = db.SQL("api.findClaim", `
	select request, status, content_type, body, created_at from idempotency where key = $1`)

var takeClaim = db.SQL("api.takeClaim", `
	update idempotency set request = $2, status = 0, created_at = $3 where key = $1`)

// claim answers nil when this request is the one to happen, or what was answered before.
func (a *API) claim(ctx context.Context, c claim) (before *kept, err error) {
	err = a.o.DB.Write(ctx, func(tx *db.Tx) error {
		before = nil
		n, err := tx.Exec(insertClaim, c.key, c.request, []byte{}, int64(c.at))
		if err != nil || n == 1 {
			return err
		}
		var request string
		var at lead.Instant
		k := &kept{}
		if err := tx.QueryRow(findClaim, []any{c.key}, &request, &k.status, &k.contentType, &k.body, &at); err != nil {
			return err
		}
		switch {
		case c.at.Sub(at) > idempotencyFor || k.status == 0 && c.at.Sub(at) > abandonedAfter:
			_, err := tx.Exec(takeClaim, c.key, c.request, int64(c.at))
			return err
		case request != c.request:
			return fault.New(fault.Invalid, "this Idempotency-Key was used for another request").
				WithCode("idempotency_key_reused").WithHint("use a new key for every new request")
		case k.status == 0:
			return fault.New(fault.Conflict, "a request with this Idempotency-Key is being done").
				WithCode("idempotency_in_progress").WithHint("wait for its answer, or repeat this one a little later")
		}
		before = k
		return nil
	})
	return before, err
}

var keepAnswer = db.SQL("api.keepAnswer", `
	update idempotency set status = $3, content_type = $4, body = $5 where key = $1 and request = $2`)

// keep stores the answer. Failing to is logged: the answer was given, and repeating the request is
// harmless for every route, because what it sends counts once by itself.
func (a *API) keep(ctx context.Context, c claim, k kept) {
	if k.body == nil {
		k.body = []byte{}
	}
	err := a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(keepAnswer, c.key, c.request, k.status, k.contentType, k.body)
		return err
	})
	if err != nil {
		a.o.Log.LogAttrs(ctx, slog.LevelWarn, "answer not kept", slog.Any("error", err))
	}
}

var releaseClaim = db.SQL("api.releaseClaim", `delete from idempotency where key = $1 and status = 0`)

// release gives the key free after a request that did not succeed.
func (a *API) release(ctx context.Context, c claim) {
	ctx = context.WithoutCancel(ctx)
	err := a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(releaseClaim, c.key)
		return err
	})
	if err != nil {
		a.o.Log.LogAttrs(ctx, slog.LevelWarn, "idempotency key not released", slog.Any("error", err))
	}
}

var forgetAnswers = db.SQL("api.forgetAnswers", `delete from idempotency where created_at < $1`)

// Sweep forgets the answers whose day is over.
func (a *API) Sweep(ctx context.Context) error {
	before := lead.At(a.o.Now().Add(-idempotencyFor))
	return a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(forgetAnswers, int64(before))
		return err
	})
}
