package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// VerdictRequest says what an event was.
type VerdictRequest struct {
	Person  string `json:"person" minLength:"1" maxLength:"320" doc:"Whose event it is: an id, a user id or an e-mail address."`
	Verdict string `json:"verdict" enum:"human,bot"`
}

// MergeRequest names the other person.
type MergeRequest struct {
	From string `json:"from" minLength:"1" maxLength:"320" doc:"Who is the same person: an id, a user id or an e-mail address."`
}

// UnmergeRequest names what does not belong.
type UnmergeRequest struct {
	Identifier string `json:"identifier" minLength:"1" maxLength:"600" doc:"One of the person's identifiers, as in email:ada@acme.example."`
}

// ReplayItem is what came of sending a rejected event again.
type ReplayItem struct {
	Accepted  int `json:"accepted"`
	Duplicate int `json:"duplicate"`
}

type verdictIn struct {
	MessageID string `path:"message_id" maxLength:"255"`
	Body      VerdictRequest
}

type mergeIn struct {
	PersonPath
	Body MergeRequest
}

type unmergeIn struct {
	PersonPath
	Body UnmergeRequest
}

type replayIn struct {
	ID int64 `path:"id" minimum:"1"`
}

type replayOut struct{ Body ReplayItem }

func (a *API) routeStatements() {
	register(a, operation{
		id: "judgeEvent", method: http.MethodPost, path: "/events/{message_id}/verdict", action: access.JudgeEvents, tag: "events",
		summary: "Say that an event came from a human, or from a bot; the person is judged anew",
	}, a.judge)
	register(a, operation{
		id: "replayRejected", method: http.MethodPost, path: "/events/rejected/{id}/replay", action: access.ReplayEvents, tag: "events",
		summary: "Read a rejected event again, as it was sent",
	}, a.replay)
	register(a, operation{
		id: "mergePeople", method: http.MethodPost, path: "/people/{id}/merge", action: access.MergeLeads, tag: "people",
		summary: "Say that two people are one; both histories are kept, and it can be undone",
	}, a.merge)
	register(a, operation{
		id: "unmergePerson", method: http.MethodPost, path: "/people/{id}/unmerge", action: access.MergeLeads, tag: "people",
		summary: "Say that an identifier belongs to somebody else",
	}, a.unmerge)
}

// state stores a fact that a user states about a lead, under the person's own history.
func (a *API) state(ctx context.Context, t lead.EventType, name, person, previous string) error {
	now := lead.At(a.o.Now())
	e := lead.Event{
		Source: access.SourceProduct, Type: t, Flags: lead.Trusted, MessageID: t.String() + "-" + strings.ToLower(rand.Text()),
		UserID: person, PreviousID: previous, Name: name, Time: now, ReceivedAt: now,
	}
	body, err := json.Marshal(map[string]string{
		"type": t.String(), "messageId": e.MessageID, "userId": person, "previousId": previous, "event": name,
		"timestamp": now.String(), "by": access.From(ctx).String(),
	})
	if err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	e.Body = body // encoding/json sorts the keys of maps, which is canonical for plain text
	receipt, err := a.o.Engine.Submit(ctx, ingest.Batch{Source: e.Source, ReceivedAt: now, Events: []lead.Event{e}})
	if err != nil {
		return err
	}
	if receipt.Accepted != 1 {
		return fault.New(fault.Conflict, "this %s cannot be stored", t).WithCode("statement_refused").
			WithHint("look at both people again: they may have changed meanwhile")
	}
	return nil
}

func (a *API) judge(ctx context.Context, in *verdictIn) (*nothing, error) {
	var person lead.PersonID
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		if person, err = identity.Find(tx, in.Body.Person); err != nil {
			return err
		}
		profiles, err := profilesOf(tx, person)
		if err != nil {
			return err
		}
		timeline, err := ingest.Timeline(tx, profiles)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(timeline, func(s ingest.Stored) bool { return s.Event.MessageID == in.MessageID }) {
			return fault.New(fault.NotFound, "this person has no event %q", in.MessageID).WithCode("unknown_event").
				WithHint("the timeline of the person shows the ids of its events")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.state(ctx, lead.Verdict, in.Body.Verdict, person.String(), in.MessageID)
}

func profilesOf(tx *db.Tx, person lead.PersonID) ([]lead.ProfileID, error) {
	profiles, err := identity.Profiles(tx, person)
	if err != nil {
		return nil, err
	}
	ids := make([]lead.ProfileID, len(profiles))
	for i := range profiles {
		ids[i] = profiles[i].ID
	}
	return ids, nil
}

func (a *API) merge(ctx context.Context, in *mergeIn) (*personOut, error) {
	var into, from lead.PersonID
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		if into, err = identity.Find(tx, in.ID); err != nil {
			return err
		}
		from, err = identity.Find(tx, in.Body.From)
		return err
	})
	if err != nil {
		return nil, err
	}
	if into == from {
		return nil, fault.New(fault.Conflict, "they are one person already").WithCode("already_one")
	}
	if err := a.state(ctx, lead.Merge, "", into.String(), from.String()); err != nil {
		return nil, err
	}
	return a.personAt(ctx, into.String())
}

func (a *API) unmerge(ctx context.Context, in *unmergeIn) (*personOut, error) {
	var off, stays lead.PersonID
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		person, err := identity.Find(tx, in.ID)
		if err != nil {
			return err
		}
		profiles, err := identity.Profiles(tx, person)
		if err != nil {
			return err
		}
		off, stays, err = split(profiles, in.Body.Identifier)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.state(ctx, lead.Unmerge, "", stays.String(), off.String()); err != nil {
		return nil, err
	}
	return a.personAt(ctx, stays.String())
}

// split finds the identifier that is to leave, and the strongest one among those that stay: the oldest
// user id, else the oldest address, else the oldest of any kind.
func split(profiles []identity.Profile, identifier string) (off, stays lead.PersonID, err error) {
	leaves := slices.IndexFunc(profiles, func(p identity.Profile) bool { return called(p, identifier) })
	if leaves < 0 {
		return 0, 0, fault.New(fault.NotFound, "this person is not known by %q", identifier).WithCode("unknown_identifier").
			WithField("body.identifier").WithHint("GET /api/v1/people/{id} lists the identifiers")
	}
	rest := slices.Delete(slices.Clone(profiles), leaves, leaves+1)
	if len(rest) == 0 {
		return 0, 0, fault.New(fault.Conflict, "it is the only identifier of this person").WithCode("only_identifier")
	}
	best := slices.MinFunc(rest, func(a, b identity.Profile) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return lead.PersonID(profiles[leaves].ID), lead.PersonID(best.ID), nil
}

// called reports whether a profile is meant by a reference ("email:ada@acme.example", an id) or by its
// bare value.
func called(p identity.Profile, identifier string) bool {
	if p.Value == identifier {
		return true
	}
	r, ok := identity.ParseReference(identifier)
	return ok && (r.ID == p.ID || r.ID == 0 && r.Kind == p.Kind && r.Value == p.Value)
}

// replay reads a rejected event as it was sent, with what the reader accepts today.
func (a *API) replay(ctx context.Context, in *replayIn) (*replayOut, error) {
	var r ingest.Rejected
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = ingest.FindRejected(tx, in.ID)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no rejected event %d", in.ID).WithCode("unknown_rejected")
	}
	if err != nil {
		return nil, err
	}
	if r.ReplayedAt != 0 {
		return nil, fault.New(fault.Conflict, "this event was accepted at %s", r.ReplayedAt).WithCode("replayed_already")
	}
	batch, err := reread(&r)
	if err != nil {
		return nil, err
	}
	receipt, err := a.o.Engine.Submit(ctx, batch)
	if err != nil {
		return nil, err
	}
	err = a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := ingest.MarkReplayed(tx, r.ID, lead.At(a.o.Now()))
		return err
	})
	return &replayOut{ReplayItem{Accepted: receipt.Accepted, Duplicate: receipt.Duplicate}}, err
}

// reread makes a batch of what was sent: one message, or a body with several. Nothing is sent again that
// would be rejected again.
func reread(r *ingest.Rejected) (ingest.Batch, error) {
	still := func(reason string) error {
		return fault.New(fault.Invalid, "it would be rejected again: %s", strings.TrimSuffix(reason, ".")).WithCode(string(r.Code)).
			WithHint("mend what sends it; the event as sent is in raw")
	}
	if r.Size > len(r.Raw) {
		return ingest.Batch{}, still("it was too large to be kept whole")
	}
	var tree canon.Tree
	root, err := tree.Parse(r.Raw)
	if err != nil {
		return ingest.Batch{}, still("it is not JSON")
	}
	reader := ingest.Reader{
		Batch: ingest.Batch{Source: r.Source, ReceivedAt: r.ReceivedAt}, Trusted: r.Trusted, Tree: &tree,
		NewID: func() string { return fmt.Sprintf("rejected-%d", r.ID) },
	}
	if list := root.Get("batch"); list.Kind() == canon.Array {
		reader.Context, reader.Integrations, reader.SentAt = root.Get("context"), root.Get("integrations"), root.Get("sentAt")
		for i := range list.Len() {
			reader.Message(list.At(i), 0)
		}
	} else {
		reader.Message(root, 0)
	}
	if len(reader.Rejected) > 0 {
		return ingest.Batch{}, still(reader.Rejected[0].Reason)
	}
	return reader.Batch, nil
}
