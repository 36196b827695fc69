package signal

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"cusp/internal/access"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// freshForm is how old a form may be when it arrives and still be counted: histories that are brought in
// hold many of them.
const freshForm = 5 * time.Minute

// SentForm says whether an event reports a form that somebody sent.
func SentForm(e *lead.Event) bool {
	return e.Type == lead.Track && (formNames[e.Name] || strings.Contains(e.Name, "Form"))
}

// Forms counts the forms that arrive, by the network that they come from. It is safe for concurrent use.
type Forms struct {
	mu    sync.Mutex
	storm *Storm[Form]
}

// NewForms counts nothing yet.
func NewForms() *Forms { return &Forms{storm: NewStorm[Form]()} }

// Form names a form that was sent.
type Form struct{ message, sender string }

// Suspect marks the events of a batch that come in a storm of forms from one network. It answers the
// earlier forms of the storm, which were stored as human, in the moment in which it is recognised.
func (f *Forms) Suspect(b *ingest.Batch) (earlier []Form) {
	for i := range b.Events {
		e := &b.Events[i]
		if !SentForm(e) || e.ReceivedAt.Sub(e.Time) > freshForm {
			continue
		}
		ip, err := netip.ParseAddr(textIfNamed(lookupIfNamed(e.Body, "context"), "ip"))
		if err != nil || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			continue // a private address is that of a proxy, behind which everybody may stand
		}
		f.mu.Lock()
		before, storm := f.storm.Observe(ip.String(), formOf(e), e.ReceivedAt)
		f.mu.Unlock()
		if storm {
			e.Flags |= lead.Bot
		}
		earlier = append(earlier, before...)
	}
	return earlier
}

// formOf refers to an event and the person under whom it is stored.
func formOf(e *lead.Event) Form {
	sender := identity.Reference{Kind: identity.Anonymous, Value: e.AnonymousID}
	if e.UserID != "" {
		sender = identity.Reference{Kind: identity.User, Value: e.UserID}
	}
	return Form{e.MessageID, sender.String()}
}

// Verdicts are the facts that the forms came from a bot, each under a message id that newID makes.
func Verdicts(forms []Form, newID func() string, now lead.Instant) (ingest.Batch, error) {
	batch := ingest.Batch{Source: access.SourceProduct, ReceivedAt: now}
	for _, f := range forms {
		e := lead.Event{
			Source: batch.Source, Type: lead.Verdict, Flags: lead.Trusted, MessageID: newID(),
			UserID: f.sender, PreviousID: f.message, Name: "bot", Time: now, ReceivedAt: now,
		}
		body, err := json.Marshal(map[string]string{
			"type": e.Type.String(), "messageId": e.MessageID, "userId": e.UserID, "previousId": e.PreviousID, "event": e.Name,
			"timestamp": now.String(), "by": "storm",
		})
		if err != nil {
			return batch, fmt.Errorf("write verdict: %w", err)
		}
		e.Body = body // encoding/json sorts the keys of maps, which is canonical for plain text
		batch.Events = append(batch.Events, e)
	}
	return batch, nil
}
