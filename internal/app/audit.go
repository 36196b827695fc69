package app

import (
	"context"
	"log/slog"

	"cusp/internal/access"
	"cusp/internal/db"
)

// noteHead writes the head of the audit log into the server's log whenever it moved: a line that lies
// elsewhere shows later that nothing was cut off. It returns the head that was noted.
func (a *App) noteHead(ctx context.Context, noted access.Head) (access.Head, error) {
	var head access.Head
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		head, err = access.AuditHead(tx)
		return err
	})
	if err != nil || head == noted {
		return noted, err
	}
	a.o.Log.LogAttrs(ctx, slog.LevelInfo, "audit head", slog.String("head", head.String()))
	return head, nil
}
