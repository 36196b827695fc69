package api

import (
	"context"
	"net/http"

	"cusp/internal/access"
)

// UserItem is a person who uses the product.
type UserItem struct {
	ID          int64        `json:"id"`
	Email       string       `json:"email" doc:"In normal form. It names the rep in handoffs and never changes."`
	Name        string       `json:"name"`
	Role        string       `json:"role" enum:"admin,ops,marketing,sales_manager,rep,viewer"`
	Active      bool         `json:"active"`
	HasPassword bool         `json:"has_password"`
	Teams       []MemberItem `json:"teams"`
	Capacity    int          `json:"capacity" doc:"Most open handoffs; 0 for no limit."`
	Languages   []string     `json:"languages" doc:"An empty list means all."`
	Territories []string     `json:"territories"`
	Industries  []string     `json:"industries"`
	Tiers       []string     `json:"tiers"`
	Zone        string       `json:"zone" doc:"IANA time zone; empty: that of the calendar."`
	Calendar    string       `json:"calendar" doc:"A calendar of the playbook; empty: the team's."`
	BookingURL  string       `json:"booking_url"`
	CreatedAt   string       `json:"created_at" format:"date-time"`
}

// MemberItem is a user's place in a team.
type MemberItem struct {
	Team   string `json:"team"`
	Weight int    `json:"weight" doc:"Share of the leads against the team mates'."`
}

// UserRequest is what may be said of a user; what is absent stays.
type UserRequest struct {
	Name        *string   `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Role        *string   `json:"role,omitempty" enum:"admin,ops,marketing,sales_manager,rep,viewer"`
	Active      *bool     `json:"active,omitempty" doc:"false signs the user out everywhere at once."`
	Capacity    *int      `json:"capacity,omitempty" minimum:"0"`
	Languages   *[]string `json:"languages,omitempty"`
	Territories *[]string `json:"territories,omitempty"`
	Industries  *[]string `json:"industries,omitempty"`
	Tiers       *[]string `json:"tiers,omitempty"`
	Zone        *string   `json:"zone,omitempty"`
	Calendar    *string   `json:"calendar,omitempty"`
	BookingURL  *string   `json:"booking_url,omitempty"`
}

// NewUserRequest says which user to make.
type NewUserRequest struct {
	UserRequest
	Email    string `json:"email" minLength:"3" maxLength:"320"`
	Password string `json:"password,omitempty" doc:"Without one nobody can sign in as this user."`
}

// PasswordRequest is a new password.
type PasswordRequest struct {
	Password string `json:"password" minLength:"12" maxLength:"200"`
}

// UserPath names the one that is meant.
type UserPath struct {
	ID string `path:"id" maxLength:"320" doc:"An id or an e-mail address."`
}

type (
	usersOut    struct{ Body Page[UserItem] }
	userOut     struct{ Body UserItem }
	newUserIn   struct{ Body NewUserRequest }
	patchUserIn struct {
		UserPath
		Body UserRequest
	}
	passwordIn struct {
		UserPath
		Body PasswordRequest
	}
)

func (a *API) routeUsers() {
	register(a, operation{
		id: "listUsers", method: http.MethodGet, path: "/users", action: access.ReadUsers, tag: "users",
		summary: "Everybody who uses the product, the switched-off ones included",
	}, a.listUsers)
	register(a, operation{
		id: "createUser", method: http.MethodPost, path: "/users", action: access.ManageUsers, tag: "users",
		status: http.StatusCreated, secret: true, summary: "Add a user",
	}, a.createUser)
	register(a, operation{
		id: "getUser", method: http.MethodGet, path: "/users/{id}", action: access.ReadUsers, tag: "users", summary: "One user",
	}, a.getUser)
	register(a, operation{
		id: "changeUser", method: http.MethodPatch, path: "/users/{id}", action: access.ManageUsers, tag: "users",
		summary: "Change a user; what is absent stays",
	}, a.changeUser)
	register(a, operation{
		id: "setPassword", method: http.MethodPost, path: "/users/{id}/password", action: access.SetPassword, tag: "users",
		secret: true, summary: "Set a password; the user is signed out everywhere",
	}, a.setPassword)
}

func (a *API) listUsers(ctx context.Context, _ *nothing) (*usersOut, error) {
	users, err := a.o.Staff.Users(ctx)
	if err != nil {
		return nil, err
	}
	out := &usersOut{Body: Page[UserItem]{Items: []UserItem{}}}
	for i := range users {
		out.Body.Items = append(out.Body.Items, userItem(&users[i]))
	}
	return out, nil
}

func (a *API) getUser(ctx context.Context, in *UserPath) (*userOut, error) {
	return answerUser(a.o.Staff.User(ctx, in.ID))
}

func (a *API) createUser(ctx context.Context, in *newUserIn) (*userOut, error) {
	c := access.Colleague{Email: in.Body.Email, Role: access.RoleViewer}
	in.Body.apply(&c)
	return answerUser(a.o.Staff.AddUser(ctx, c, in.Body.Password))
}

func (a *API) changeUser(ctx context.Context, in *patchUserIn) (*userOut, error) {
	return answerUser(a.o.Staff.ChangeUser(ctx, in.ID, in.Body.apply))
}

func (a *API) setPassword(ctx context.Context, in *passwordIn) (*nothing, error) {
	c, err := a.o.Staff.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := access.AllowFor(access.From(ctx), access.SetPassword, access.Subject{Owner: c.Email}); err != nil {
		return nil, err
	}
	return nil, a.o.Staff.SetPassword(ctx, c.Email, in.Body.Password)
}

// apply says of a user what the request says.
func (r *UserRequest) apply(c *access.Colleague) {
	give(&c.Name, r.Name)
	if r.Role != nil {
		c.Role = access.Role(*r.Role)
	}
	give(&c.Active, r.Active)
	a := &c.Attributes
	give(&a.Capacity, r.Capacity)
	give(&a.Languages, r.Languages)
	give(&a.Territories, r.Territories)
	give(&a.Industries, r.Industries)
	give(&a.Tiers, r.Tiers)
	give(&a.Zone, r.Zone)
	give(&a.Calendar, r.Calendar)
	give(&a.BookingURL, r.BookingURL)
}

// give sets what is given.
func give[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func answerUser(c access.Colleague, err error) (*userOut, error) {
	if err != nil {
		return nil, err
	}
	return &userOut{userItem(&c)}, nil
}

func userItem(c *access.Colleague) UserItem {
	a := &c.Attributes
	item := UserItem{
		ID: c.ID, Email: c.Email, Name: c.Name, Role: string(c.Role), Active: c.Active, HasPassword: c.HasPassword,
		Teams: []MemberItem{}, Capacity: a.Capacity, Languages: always(a.Languages), Territories: always(a.Territories),
		Industries: always(a.Industries), Tiers: always(a.Tiers), Zone: a.Zone, Calendar: a.Calendar,
		BookingURL: a.BookingURL, CreatedAt: c.CreatedAt.String(),
	}
	for _, m := range c.Teams {
		item.Teams = append(item.Teams, MemberItem(m))
	}
	return item
}

// always is a list that is never null.
func always(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
