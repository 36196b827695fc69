package cli

import (
	"context"
	"crypto/rand"

	"cusp/internal/access"
)

// tallyport are the people of the sample company, at least one of each role.
var tallyport = []struct {
	user access.Colleague
	team string // empty for those who take no leads
}{
	{access.Colleague{Email: "admin@tallyport.example", Name: "Ada Lindqvist", Role: access.RoleAdmin}, ""},
	{access.Colleague{Email: "revops@tallyport.example", Name: "Rui Tavares", Role: access.RoleOps}, ""},
	{access.Colleague{Email: "marketing@tallyport.example", Name: "Mairead Foley", Role: access.RoleMarketing}, ""},
	{access.Colleague{Email: "head.of.sales@tallyport.example", Name: "Helen Okafor", Role: access.RoleSalesManager}, ""},
	{access.Colleague{Email: "niamh@tallyport.example", Name: "Niamh Byrne", Role: access.RoleRep}, "sales"},
	{access.Colleague{Email: "jonas@tallyport.example", Name: "Jonas Weber", Role: access.RoleRep}, "sales"},
	{access.Colleague{Email: "claire@tallyport.example", Name: "Claire Moreau", Role: access.RoleRep}, "sales"},
	{access.Colleague{Email: "marcus@tallyport.example", Name: "Marcus Reid", Role: access.RoleRep}, "americas"},
	{access.Colleague{Email: "sofia@tallyport.example", Name: "Sofia Alvarez", Role: access.RoleRep}, "americas"},
	{access.Colleague{Email: "board@tallyport.example", Name: "Bernd Vogel", Role: access.RoleViewer}, ""},
}

// hire makes the people of the sample company before its history, so that its leads find a rep. One
// password, made up for this run, serves for all.
func (d *demo) hire(ctx context.Context) error {
	d.logins = rand.Text()
	staff := d.app.Staff()
	for _, t := range []struct{ id, name string }{{"sales", "Sales Europe"}, {"americas", "Sales Americas"}} {
		if _, err := staff.AddTeam(ctx, t.id, t.name); err != nil {
			return err
		}
	}
	for _, c := range tallyport {
		if _, err := staff.AddUser(ctx, c.user, d.logins); err != nil {
			return err
		}
		if c.team == "" {
			continue
		}
		if _, err := staff.PutMember(ctx, c.team, c.user.Email, 1); err != nil {
			return err
		}
	}
	return nil
}

// tallyportLogins gives the address of one user of each role.
func tallyportLogins() map[access.Role]string {
	logins := make(map[access.Role]string, len(tallyport))
	for _, c := range tallyport {
		if _, known := logins[c.user.Role]; !known {
			logins[c.user.Role] = c.user.Email
		}
	}
	return logins
}
