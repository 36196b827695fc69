package flow

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"

	"cusp/internal/signal"
)

// judge states of forms that they came from a bot, so that whoever sent them is judged anew. A form that
// is still being stored by another process is missed; it cannot be many.
func (e *Engine) judge(ctx context.Context, forms []signal.Form) {
	if len(forms) == 0 {
		return
	}
	batch, err := signal.Verdicts(forms, func() string { return "storm-" + strings.ToLower(rand.Text()) }, e.instant())
	var changes []entry
	if err == nil {
		_, changes, err = e.commit(context.WithoutCancel(ctx), []*request{{ctx: ctx, batch: batch}})
	}
	if err != nil {
		e.log.ErrorContext(ctx, "forms of a storm not marked", slog.Any("error", err), slog.Int("forms", len(forms)))
		return
	}
	e.log.WarnContext(ctx, "many forms from one network are held back", slog.Int("forms", len(forms)))
	e.watch.tell(changes)
}
