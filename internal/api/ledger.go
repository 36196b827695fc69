package api

import (
	"context"
	"net/http"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/flow"
	"cusp/internal/lead"
)

type ledgerIn struct {
	Paging
	Person string `query:"person" maxLength:"320" doc:"Only this person: an id, a user id or an e-mail address."`
}

type ledgerOut struct{ Body Page[flow.Entry] }

func (a *API) routeLedger() {
	register(a, operation{
		id: "listLedger", method: http.MethodGet, path: "/ledger", action: access.ReadLeads, tag: "ledger",
		summary: "Every decision as it was made, with the playbook that made it, oldest first",
	}, a.listLedger)
}

func (a *API) listLedger(ctx context.Context, in *ledgerIn) (*ledgerOut, error) {
	of := list("ledger", in.Person)
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	var entries []flow.Entry
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		var person lead.PersonID
		if in.Person != "" {
			if person, err = findPerson(tx, in.Person); err != nil {
				return err
			}
		}
		entries, err = flow.Ledger(tx, person, after, in.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ledgerOut{page(entries, in.Limit, of, func(e flow.Entry) string { return strconv.FormatInt(e.ID, 10) })}, nil
}
