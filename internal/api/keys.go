package api

import (
	"context"
	"net/http"

	"cusp/internal/access"
	"cusp/internal/lead"
)

// KeyItem is a key as lists show it.
type KeyItem struct {
	ID         int64    `json:"id"`
	Kind       string   `json:"kind" enum:"write,api"`
	Name       string   `json:"name"`
	Prefix     string   `json:"prefix" doc:"How the secret begins."`
	Trusted    bool     `json:"trusted" doc:"A write key of a server, or an API key."`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at" format:"date-time"`
	RevokedAt  *string  `json:"revoked_at" format:"date-time"`
	LastUsedAt *string  `json:"last_used_at" format:"date-time" doc:"To the minute."`
}

// NewKeyItem is a key that was just made, with its secret.
type NewKeyItem struct {
	KeyItem
	Key string `json:"key" doc:"The secret. It is shown this once."`
}

// NewKeyRequest says which key to make.
type NewKeyRequest struct {
	Kind    string   `json:"kind" enum:"write,api"`
	Name    string   `json:"name" minLength:"1" maxLength:"100"`
	Trusted bool     `json:"trusted,omitempty" doc:"Write keys: sent by a server, which keeps it secret."`
	Scopes  []string `json:"scopes,omitempty" enum:"read,write,admin" doc:"API keys; read when absent."`
}

type keysOut struct{ Body Page[KeyItem] }

type newKeyIn struct{ Body NewKeyRequest }

type newKeyOut struct{ Body NewKeyItem }

type keyIn struct {
	ID int64 `path:"id" minimum:"1"`
}

type nothing struct{}

func (a *API) routeKeys() {
	register(a, operation{
		id: "listKeys", method: http.MethodGet, path: "/keys", action: access.ManageKeys, tag: "keys",
		summary: "Every key, the revoked ones included, without its secret",
	}, a.listKeys)
	register(a, operation{
		id: "createKey", method: http.MethodPost, path: "/keys", action: access.ManageKeys, tag: "keys",
		secret: true, status: http.StatusCreated,
		summary: "Make a key; its secret is in this answer and nowhere else",
	}, a.createKey)
	register(a, operation{
		id: "revokeKey", method: http.MethodDelete, path: "/keys/{id}", action: access.ManageKeys, tag: "keys",
		summary: "End a key for good",
	}, a.revokeKey)
}

func (a *API) listKeys(ctx context.Context, _ *nothing) (*keysOut, error) {
	keys, err := a.o.Keys.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &keysOut{Body: Page[KeyItem]{Items: []KeyItem{}}}
	for _, k := range keys {
		if k.Kind == access.Write || k.Kind == access.API {
			out.Body.Items = append(out.Body.Items, keyItem(k))
		}
	}
	return out, nil
}

func (a *API) createKey(ctx context.Context, in *newKeyIn) (*newKeyOut, error) {
	n := access.NewKey{Kind: access.Kind(in.Body.Kind), Name: in.Body.Name, Trusted: in.Body.Trusted}
	for _, s := range in.Body.Scopes {
		n.Scopes = append(n.Scopes, access.Scope(s))
	}
	k, secret, err := a.o.Keys.Create(ctx, n)
	if err != nil {
		return nil, err
	}
	return &newKeyOut{NewKeyItem{KeyItem: keyItem(k), Key: secret}}, nil
}

func (a *API) revokeKey(ctx context.Context, in *keyIn) (*nothing, error) {
	return nil, a.o.Keys.Revoke(ctx, in.ID)
}

func keyItem(k access.Key) KeyItem {
	item := KeyItem{
		ID: k.ID, Kind: string(k.Kind), Name: k.Name, Prefix: k.Prefix, Trusted: k.Principal().Trusted, Scopes: []string{},
		CreatedAt: k.CreatedAt.String(), RevokedAt: stamp(k.RevokedAt), LastUsedAt: stamp(k.LastUsedAt),
	}
	for _, s := range k.Scopes {
		item.Scopes = append(item.Scopes, string(s))
	}
	return item
}

// stamp is an instant as answers have it; null when it is not set.
func stamp(at lead.Instant) *string {
	if at == 0 {
		return nil
	}
	s := at.String()
	return &s
}
