package flow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"cusp/internal/access"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/signal"
)

// freshForm is how old a form may be when it arrives and still be counted: histories that are brought in
// hold many of them.
const freshForm = 5 * time.Minute

// storms counts the forms of each network as they arrive, for all requests of this process.
type storms struct {
	mu  sync.Mutex
	all *signal.Storm[sentForm]
}

// sentForm names a form that was sent.
type sentForm struct{ message, sender string }

// suspect marks the events of a batch that come in a storm of forms from one network. It answers the
// earlier forms of the storm, which were stored as human, in the moment in which it is recognised.
func (s *storms) suspect(b *ingest.Batch) (earlier []sentForm) {
	for i := range b.Events {
		e := &b.Events[i]
		if !signal.SentForm(e) || e.ReceivedAt.Sub(e.Time) > freshForm {
			continue
		}
		ip := signal.Network(e)
		if ip == "" {
			continue
		}
		s.mu.Lock()
		before, storm := s.all.Observe(ip, sentForm{e.MessageID, senderOf(e)}, e.ReceivedAt)
		s.mu.Unlock()
		if storm {
			e.Flags |= lead.Bot
		}
		earlier = append(earlier, before...)
	}
	return earlier
}

// senderOf refers to the person under whom an event is stored.
func senderOf(e *lead.Event) string {
	if e.UserID != "" {
		return identity.Reference{Kind: identity.User, Value: e.UserID}.String()
	}
	return identity.Reference{Kind: identity.Anonymous, Value: e.AnonymousID}.String()
}

// judge states of forms that they came from a bot, so that whoever sent them is judged anew. A form that
// another process is still storing is missed; it cannot be many.
func (e *Engine) judge(ctx context.Context, forms []sentForm) {
	if len(forms) == 0 {
		return
	}
	now := e.instant()
	batch := ingest.Batch{Source: access.SourceProduct, ReceivedAt: now}
	for _, f := range forms {
		fact, err := verdictOf(f, now)
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

func verdictOf(f sentForm, now lead.Instant) (lead.Event, error) {
	e := lead.Event{
		Source: access.SourceProduct, Type: lead.Verdict, Flags: lead.Trusted, MessageID: "storm-" + strings.ToLower(rand.Text()),
		UserID: f.sender, PreviousID: f.message, Name: "bot", Time: now, ReceivedAt: now,
	}
	body, err := json.Marshal(map[string]string{
		"type": e.Type.String(), "messageId": e.MessageID, "userId": e.UserID, "previousId": e.PreviousID, "event": e.Name,
		"timestamp": now.String(), "by": "storm",
	})
	if err != nil {
		return e, fmt.Errorf("write verdict: %w", err)
	}
	e.Body = body // encoding/json sorts the keys of maps, which is canonical for plain text
	return e, nil
}
