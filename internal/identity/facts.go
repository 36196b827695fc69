package identity

import (
	"cmp"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Fact is what one event said about an account.
type Fact struct {
	Profile   lead.ProfileID
	At        lead.Instant
	MessageID string
	Source    lead.SourceID
	Trusted   bool
	Traits    map[string]any // in the form of [AccountTraits]
}

const factColumns = `profile_id, at, message_id, source, trusted, traits`

var (
	factsOf = db.SQL("identity.factsOf", `select `+factColumns+`
		from account_fact where profile_id in ($1) order by profile_id, at, message_id, source`)
	factBefore = db.SQL("identity.factBefore", `select `+factColumns+`
		from account_fact where profile_id in ($1) and (at, message_id, source) < ($2, $3, $4)
		order by at desc, message_id desc, source desc limit 1`)
	insertFact = db.SQL("identity.insertFact", `insert into account_fact
		(profile_id, at, message_id, source, trusted, traits)
		values ($1, $2, $3, $4, $5, $6) on conflict (profile_id, at, message_id, source) do nothing`)
)

// rawFact is a fact whose traits nobody has asked for yet.
type rawFact struct {
	Fact
	raw []byte
}

func scanFact(rows *sql.Rows) (rawFact, error) {
	var f rawFact
	var trusted int
	err := rows.Scan(&f.Profile, &f.At, &f.MessageID, &f.Source, &trusted, &f.raw)
	f.Trusted = trusted != 0
	return f, err
}

// compare is fold order.
func (f *rawFact) compare(g *rawFact) int {
	return cmp.Or(cmp.Compare(f.At, g.At), strings.Compare(f.MessageID, g.MessageID), cmp.Compare(f.Source, g.Source))
}

// repeats says that f adds nothing to g when it comes right after it.
func (f *rawFact) repeats(g *rawFact) bool {
	return f.Trusted == g.Trusted && string(f.raw) == string(g.raw)
}

// saveFacts stores what the events say about accounts, and names the accounts of which that changes
// anything: most group calls repeat on every page what was said before.
func (b *batch) saveFacts(events []lead.Event, res *Resolution) error {
	facts := map[lead.AccountID][]rawFact{}
	var rows [][]any
	for i := range events {
		ev, e := &b.plan.events[i], &events[i]
		if ev.facts == nil || ev.refused != "" {
			continue
		}
		n := b.plan.idents[ev.account].node
		f := rawFact{Fact{n.ID, when(e), e.MessageID, e.Source, e.Flags.Has(lead.Trusted), nil}, ev.facts}
		rows = append(rows, []any{int64(f.Profile), int64(f.At), f.MessageID, int64(f.Source), bit(f.Trusted), string(f.raw)})
		account := lead.AccountID(n.cluster())
		facts[account] = append(facts[account], f)
	}
	if _, err := b.tx.Bulk(insertFact, rows); err != nil {
		return err
	}
	for account, said := range facts {
		news, err := b.newsIn(account, said)
		if err != nil {
			return err
		}
		if news {
			res.Accounts = append(res.Accounts, account)
		}
	}
	slices.Sort(res.Accounts)
	res.Accounts = slices.Compact(res.Accounts)
	return nil
}

// newsIn says whether one of the stored facts differs from the one before it.
func (b *batch) newsIn(account lead.AccountID, facts []rawFact) (bool, error) {
	profiles, err := AccountProfiles(b.tx, account)
	if err != nil {
		return false, err
	}
	ids := make([]lead.ProfileID, len(profiles))
	for i := range profiles {
		ids[i] = profiles[i].ID
	}
	for i := range facts {
		f := &facts[i]
		var before *rawFact
		err := b.tx.QueryIn(factBefore, int64s(ids), []any{int64(f.At), f.MessageID, int64(f.Source)}, func(rows *sql.Rows) error {
			g, err := scanFact(rows)
			if before == nil || g.compare(before) > 0 {
				before = &g
			}
			return err
		})
		if err != nil || before == nil || !f.repeats(before) {
			return true, err
		}
	}
	return false, nil
}

// AccountFacts are the facts of an account in fold order, without those that repeat the one before. The
// first ones, at instant 0, are its own identifiers: the group id and the domain that were seen first.
func AccountFacts(tx *db.Tx, account lead.AccountID) ([]Fact, error) {
	profiles, err := AccountProfiles(tx, account)
	if err != nil {
		return nil, err
	}
	ids := make([]lead.ProfileID, len(profiles))
	for i := range profiles {
		ids[i] = profiles[i].ID
	}
	var stored []rawFact
	err = tx.QueryIn(factsOf, int64s(ids), nil, func(rows *sql.Rows) error {
		f, err := scanFact(rows)
		stored = append(stored, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read account facts: %w", err)
	}
	slices.SortFunc(stored, func(f, g rawFact) int { return f.compare(&g) })
	facts := identifierFacts(profiles)
	for i := range stored {
		f := &stored[i]
		if i > 0 && f.repeats(&stored[i-1]) {
			continue
		}
		f.Traits = decode(f.raw)
		facts = append(facts, f.Fact)
	}
	return facts, nil
}

// identifierFacts are what the identifiers of an account say by themselves.
func identifierFacts(profiles []Profile) []Fact {
	byAge := slices.Clone(profiles)
	slices.SortFunc(byAge, func(p, q Profile) int {
		return cmp.Or(cmp.Compare(p.Seen, q.Seen), strings.Compare(p.Value, q.Value))
	})
	traits := map[string]any{}
	for _, p := range byAge {
		key := "domain"
		if p.Kind == Group {
			key = "group_id"
		}
		if _, ok := traits[key]; !ok {
			traits[key] = p.Value
		}
	}
	if len(traits) == 0 {
		return nil
	}
	return []Fact{{Profile: byAge[0].ID, Trusted: true, Traits: traits}}
}

// ApplyAccount takes one dated fact into what is known of an account; it reports whether anything
// changed. Facts come in the order of [AccountFacts]. As for people, public ones do not set an owner.
func ApplyAccount(account map[string]any, f Fact) bool {
	changed := false
	for key, v := range f.Traits {
		if !f.Trusted && protected(key) || reflect.DeepEqual(account[key], v) {
			continue
		}
		account[key] = v
		changed = true
	}
	return changed
}
