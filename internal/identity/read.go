package identity

import (
	"database/sql"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

var (
	clusterOf = db.SQL("identity.clusterOf", `select kind, case when cluster_id = 0 then id else cluster_id end
		from profile where id = $1`)
	clustersByValue = db.SQL("identity.clustersByValue", `select kind, value,
		case when cluster_id = 0 then id else cluster_id end
		from profile where value in ($1) order by id`)
	profilesOf = db.SQL("identity.profilesOf", `select id, kind, value, seen_at from profile
		where id = $1 or cluster_id = $1 and cluster_id <> 0 order by id`)
	peopleAfter = db.SQL("identity.peopleAfter", `select id from profile
		where cluster_id = 0 and kind <= 3 and id > $1 order by id limit $2`)
	accountsAfter = db.SQL("identity.accountsAfter", `select id from profile
		where cluster_id = 0 and kind >= 4 and id > $1 order by id limit $2`)
)

// Find names the person of a reference: Cusp's id (also one that was merged into another), a user id, an
// e-mail address, or an anonymous id, in this order; [fault.NotFound] for nobody.
func Find(tx *db.Tx, ref string) (lead.PersonID, error) {
	if id, err := lead.ParsePersonID(ref); err == nil {
		root, err := redirect(tx, int64(id), true)
		return lead.PersonID(root), err
	}
	root, err := findValue(tx, ref, []Kind{User, Email, Anonymous})
	if err == nil && root == 0 {
		err = fault.New(fault.NotFound, "There is no person %q.", ref).WithCode("unknown_person").
			WithHint("Name a person by id (per_…), user id or e-mail address.")
	}
	return lead.PersonID(root), err
}

// Sender is whose an event is that was stored before: by its user id, else its anonymous id, else its
// e-mail address; 0 for nobody.
func Sender(tx *db.Tx, e *lead.Event) (lead.PersonID, error) {
	for _, ref := range []string{e.UserID, e.AnonymousID, addressOf(e, true)} {
		if ref == "" {
			continue
		}
		person, err := Find(tx, ref)
		if err == nil || !fault.Is(err, fault.NotFound) {
			return person, err
		}
	}
	return 0, nil
}

// FindAccount names the account of a reference: Cusp's id, a group id, a domain or a web address;
// [fault.NotFound] for none.
func FindAccount(tx *db.Tx, ref string) (lead.AccountID, error) {
	if id, err := lead.ParseAccountID(ref); err == nil {
		root, err := redirect(tx, int64(id), false)
		return lead.AccountID(root), err
	}
	root, err := findValue(tx, ref, []Kind{Group, Domain})
	if err == nil && root == 0 {
		err = fault.New(fault.NotFound, "There is no account %q.", ref).WithCode("unknown_account").
			WithHint("Name an account by id (acc_…), group id or domain.")
	}
	return lead.AccountID(root), err
}

// redirect follows an id to the cluster that it is part of.
func redirect(tx *db.Tx, id int64, person bool) (root lead.ProfileID, err error) {
	var kind Kind
	err = tx.QueryRow(clusterOf, []any{id}, &kind, &root)
	if err == nil && kind.Person() != person {
		err = fault.New(fault.NotFound, "There is no such thing.")
	}
	if fault.Is(err, fault.NotFound) {
		return 0, fault.New(fault.NotFound, "There is no person or account with this id.").WithCode("unknown_id").WithCause(err)
	}
	return root, err
}

// findValue finds the cluster of an identifier that may be of several kinds, the first kind first.
func findValue(tx *db.Tx, ref string, kinds []Kind) (lead.ProfileID, error) {
	wanted := map[Reference]int{}
	var values []any
	for rank, k := range kinds {
		value, ok := normalValue(k, ref)
		if k == Domain && !ok {
			value, ok = domains.Website(ref)
		}
		if !ok {
			continue
		}
		wanted[Reference{Kind: k, Value: value}] = rank
		if !slices.Contains(values, any(value)) {
			values = append(values, value)
		}
	}
	best, found := len(kinds), lead.ProfileID(0)
	err := tx.QueryIn(clustersByValue, values, nil, func(rows *sql.Rows) error {
		var r Reference
		var root lead.ProfileID
		if err := rows.Scan(&r.Kind, &r.Value, &root); err != nil {
			return err
		}
		if rank, ok := wanted[r]; ok && rank < best {
			best, found = rank, root
		}
		return nil
	})
	return found, err
}

// Profiles are the identifiers of a person, oldest first; none when there is no such person.
func Profiles(tx *db.Tx, person lead.PersonID) ([]Profile, error) {
	return clusterProfiles(tx, lead.ProfileID(person))
}

var peopleOf = db.SQL("identity.peopleOf", `select distinct case when cluster_id = 0 then id else cluster_id end
		from profile where id in ($1) and kind <= 3 order by 1`)

// PeopleOf are the people whom profiles belong to, each once, sorted.
func PeopleOf(tx *db.Tx, profiles []lead.ProfileID) ([]lead.PersonID, error) {
	keys := make([]any, len(profiles))
	for i, p := range profiles {
		keys[i] = int64(p)
	}
	var out []lead.PersonID
	err := tx.QueryIn(peopleOf, keys, nil, func(rows *sql.Rows) error {
		var id lead.PersonID
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find people of profiles: %w", err)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// AccountProfiles are the identifiers of an account, oldest first.
func AccountProfiles(tx *db.Tx, account lead.AccountID) ([]Profile, error) {
	return clusterProfiles(tx, lead.ProfileID(account))
}

func clusterProfiles(tx *db.Tx, root lead.ProfileID) ([]Profile, error) {
	var out []Profile
	err := tx.Query(profilesOf, []any{int64(root)}, func(rows *sql.Rows) error {
		var p Profile
		err := rows.Scan(&p.ID, &p.Kind, &p.Value, &p.Seen)
		out = append(out, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read identifiers: %w", err)
	}
	return out, nil
}

// People lists people by id, from behind after on; at most limit.
func People(tx *db.Tx, after lead.PersonID, limit int) ([]lead.PersonID, error) {
	return list[lead.PersonID](tx, peopleAfter, int64(after), limit)
}

// Accounts lists accounts by id, from behind after on; at most limit.
func Accounts(tx *db.Tx, after lead.AccountID, limit int) ([]lead.AccountID, error) {
	return list[lead.AccountID](tx, accountsAfter, int64(after), limit)
}

func list[T ~int64](tx *db.Tx, s *db.Statement, after int64, limit int) ([]T, error) {
	var out []T
	err := tx.Query(s, []any{after, int64(limit)}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		out = append(out, T(id))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return out, nil
}

// AccountKey is what a person's facts say about the account: a group id wins over the e-mail domain.
type AccountKey struct{ GroupID, EmailDomain string }

// profile is the identifier that the key leads to; ok is false when it names no account.
func (k AccountKey) profile() (r Reference, ok bool) {
	if v, ok := normalValue(Group, k.GroupID); ok {
		return Reference{Kind: Group, Value: v}, true
	}
	d, ok := domains.Company(k.EmailDomain)
	return Reference{Kind: Domain, Value: d}, ok
}

// AccountOf is the account that a person belongs to: that of the group id, else that of the company
// domain of the e-mail address; 0 for none, as for free-mail and disposable addresses, and when no
// event has named the account. [Resolve] creates the accounts that events name.
func AccountOf(tx *db.Tx, groupID, emailDomain string) (lead.AccountID, error) {
	found, err := AccountsOf(tx, []AccountKey{{groupID, emailDomain}})
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

// AccountsOf answers for many people with one query.
func AccountsOf(tx *db.Tx, keys []AccountKey) ([]lead.AccountID, error) {
	wanted := map[Reference][]int{}
	var values []any
	for i, k := range keys {
		r, ok := k.profile()
		if !ok {
			continue
		}
		if wanted[r] == nil {
			values = append(values, r.Value)
		}
		wanted[r] = append(wanted[r], i)
	}
	out := make([]lead.AccountID, len(keys))
	err := tx.QueryIn(clustersByValue, values, nil, func(rows *sql.Rows) error {
		var r Reference
		var root lead.AccountID
		if err := rows.Scan(&r.Kind, &r.Value, &root); err != nil {
			return err
		}
		for _, i := range wanted[r] {
			out[i] = root
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	return out, nil
}
