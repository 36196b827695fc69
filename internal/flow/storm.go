package flow

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"

	"cusp/internal/access"
	"cusp/internal/ingest"
	"cusp/internal/signal"
)

// judge states of forms that they came from a bot, so that whoever sent them is judged anew. A form that
// is still being stored by another process is missed; it cannot be many.
func (e *Engine) judge(ctx context.Context, forms []signal.Form) {
	if len(forms) == 0 {
		return
	}
	now := e.instant()
	batch := ingest.Batch{Source: access.SourceProduct, ReceivedAt: now}
	for _, f := range forms {
		fact, err := f.Verdict("storm-"+strings.ToLower(rand.Text()), now)
		if err != nil {
			e.log.ErrorContext(ctx, "form not marked", slog.Any("error", err))
			continue
		}
		batch.Events = append(batch.Events, fact)
	}
	_, changes, err := e.commit(context.WithoutCancel(ctx), []*request{{ctx: ctx, batch: batch}})
	if err != nil {
		e.log.ErrorContext(ctx, "forms of a storm not marked", slog.Any("error", err), slog.Int("forms", len(forms)))
		return
	}
	e.log.WarnContext(ctx, "many forms from one network are held back", slog.Int("forms", len(forms)))
	e.watch.tell(changes)
}
