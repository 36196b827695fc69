package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cusp/internal/access"
)

// sessionCookie is the name of the cookie of people who are signed in.
const sessionCookie = "cusp_session"

// SessionRequest signs in.
type SessionRequest struct {
	Email    string `json:"email" minLength:"1" maxLength:"320"`
	Password string `json:"password" minLength:"1" maxLength:"1000"`
}

// MeItem is who makes the request.
type MeItem struct {
	Kind   string    `json:"kind" enum:"user,api,owner"`
	Name   string    `json:"name" doc:"The e-mail address of a user, else the name of the key."`
	Scopes []string  `json:"scopes"`
	User   *UserItem `json:"user" doc:"null when no user is signed in."`
	May    []string  `json:"may" doc:"Every action that is allowed."`
}

type (
	sessionIn struct {
		Body    SessionRequest
		request *http.Request
	}
	sessionOut struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
		Body      MeItem
	}
	signOutIn struct {
		Cookie http.Cookie `cookie:"cusp_session"`
	}
	signedOut struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}
	meOut struct{ Body MeItem }
)

// Resolve keeps the request, which shows where it comes from.
func (in *sessionIn) Resolve(ctx huma.Context) []error {
	in.request, _ = humago.Unwrap(ctx)
	return nil
}

func (a *API) routeSession() {
	register(a, operation{
		id: "signIn", method: http.MethodPost, path: "/session", action: access.OpenSession, tag: "session", secret: true,
		summary: "Sign in; the answer sets the session cookie",
	}, a.signIn)
	register(a, operation{
		id: "signOut", method: http.MethodDelete, path: "/session", action: access.UseSession, tag: "session",
		summary: "Sign out; the cookie is worth nothing afterwards",
	}, a.signOut)
	register(a, operation{
		id: "me", method: http.MethodGet, path: "/me", action: access.UseSession, tag: "session",
		summary: "Who makes this request, and what they may do",
	}, a.me)
}

// cookie is the session cookie; a negative age takes it away.
func cookie(token string, age time.Duration) http.Cookie {
	return http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
}

func (a *API) signIn(ctx context.Context, in *sessionIn) (*sessionOut, error) {
	s, err := a.o.Staff.SignIn(ctx, in.Body.Email, in.Body.Password, a.o.ClientIP(in.request))
	if err != nil {
		return nil, err
	}
	item := userItem(&s.User)
	return &sessionOut{cookie(s.Token, s.ExpiresAt.Time().Sub(a.o.Now())), meItem(s.User.Principal(), &item)}, nil
}

func (a *API) signOut(ctx context.Context, in *signOutIn) (*signedOut, error) {
	if in.Cookie.Value != "" {
		if err := a.o.Staff.SignOut(ctx, in.Cookie.Value); err != nil {
			return nil, err
		}
	}
	return &signedOut{cookie("", -time.Second)}, nil
}

func (a *API) me(ctx context.Context, _ *nothing) (*meOut, error) {
	p := access.From(ctx)
	if p.Kind != access.User {
		return &meOut{meItem(p, nil)}, nil
	}
	c, err := a.o.Staff.User(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	item := userItem(&c)
	return &meOut{meItem(p, &item)}, nil
}

func meItem(p access.Principal, user *UserItem) MeItem {
	item := MeItem{Kind: string(p.Kind), Name: p.Name, Scopes: []string{}, User: user, May: []string{}}
	for _, s := range p.Scopes {
		item.Scopes = append(item.Scopes, string(s))
	}
	for _, action := range access.Actions() {
		if access.Allow(p, action) == nil {
			item.May = append(item.May, string(action))
		}
	}
	return item
}
