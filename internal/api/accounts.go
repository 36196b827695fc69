package api

import (
	"context"
	"net/http"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/flow"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

// AccountItem is one line of the list of companies.
type AccountItem struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Domain   string          `json:"domain"`
	Score    float64         `json:"score" doc:"Weighted intent of the people plus the bonus for roles, held to 0…100."`
	Decision decide.Decision `json:"decision"`
	People   int             `json:"people" doc:"How many people of it are known."`
	Traits   map[string]any  `json:"traits"`
}

type accountsIn struct{ Paging }
type accountsOut struct{ Body Page[AccountItem] }

type accountIn struct {
	ID string `path:"id" maxLength:"320" doc:"An id, a group id or a domain."`
}

type accountOut struct{ Body flow.AccountView }

func (a *API) routeAccounts() {
	register(a, operation{
		id: "listAccounts", method: http.MethodGet, path: "/accounts", action: access.ReadLeads, tag: "accounts",
		summary: "Companies as they stand now",
	}, a.listAccounts)
	register(a, operation{
		id: "getAccount", method: http.MethodGet, path: "/accounts/{id}", action: access.ReadLeads, tag: "accounts",
		summary: "One company with its buying group, judged as a whole",
	}, a.getAccount)
}

func (a *API) listAccounts(ctx context.Context, in *accountsIn) (*accountsOut, error) {
	of := list("accounts")
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	var ids []lead.AccountID
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		ids, err = identity.Accounts(tx, lead.AccountID(after), in.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	some := page(ids, in.Limit, of, func(id lead.AccountID) string { return strconv.FormatInt(int64(id), 10) })
	out := &accountsOut{Page[AccountItem]{Items: []AccountItem{}, Next: some.Next}}
	for _, id := range some.Items {
		v, err := a.o.Engine.Account(ctx, id.String())
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, AccountItem{
			ID: v.ID, Name: v.Name, Domain: v.Domain, Score: v.Score, Decision: v.Decision, People: len(v.People), Traits: v.Traits,
		})
	}
	return out, nil
}

func (a *API) getAccount(ctx context.Context, in *accountIn) (*accountOut, error) {
	v, err := a.o.Engine.Account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &accountOut{v}, nil
}
