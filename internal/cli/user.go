package cli

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/seal"
)

func (sh *shell) userCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "user", Short: "Add, list and switch off the people who use the product",
		Example: "  cusp user add ada@acme.example --name Ada --role rep\n  cusp user list",
	}, sh.userAdd(), sh.userList(), sh.userPassword(), sh.userDisable())
}

// send connects, sends one request and reads the answer into out, unless that is nil.
func (sh *shell) send(ctx context.Context, create whether, method, path string, in, out any) error {
	c, err := sh.connect(ctx, create)
	if err != nil {
		return err
	}
	defer c.close()
	return c.call(ctx, method, "/api/v1"+path, in, out)
}

// madeUser is what `user add --json` prints.
type madeUser struct {
	api.UserItem
	Password string `json:"password,omitempty"` // when it was made here
}

func (sh *shell) userAdd() *cobra.Command {
	var req api.NewUserRequest
	var u userFlags
	cmd := &cobra.Command{
		Use: "add EMAIL", Short: "Add a user and print a password, this once",
		Long: "Without --password-stdin a password is made and printed. Lists that are left out mean everything: a rep\n" +
			"without --languages takes leads in every language.",
		Example: "  cusp user add ada@acme.example --name Ada --role rep --languages de,en --capacity 20\n" +
			"  cusp user add root@acme.example --role admin --json\n" +
			"  pass show cusp | cusp user add bob@acme.example --role ops --password-stdin",
		Args: args("the e-mail address"),
		RunE: func(cmd *cobra.Command, in []string) error {
			req.Email, req.UserRequest = in[0], u.request(in[0])
			made, err := sh.newPassword(u.stdin)
			if err != nil {
				return err
			}
			req.Password = made
			var out madeUser
			if err := sh.send(cmd.Context(), mayCreate, http.MethodPost, "/users", req, &out.UserItem); err != nil {
				return err
			}
			if !u.stdin {
				out.Password = made
			}
			if sh.json {
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("User %d, %s, is a new %s.", out.ID, printable(out.Email), out.Role)
			sh.sayPassword(out.Password)
			return nil
		},
	}
	u.add(cmd)
	return cmd
}

// userFlags are the flags that say what a user is.
type userFlags struct {
	name, role, zone, calendar, booking       string
	capacity                                  int
	languages, territories, industries, tiers []string
	stdin                                     bool
}

func (u *userFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&u.name, "name", "", "the person's name; the e-mail address when left out")
	f.StringVar(&u.role, "role", "viewer", "admin, ops, marketing, sales_manager, rep or viewer")
	f.IntVar(&u.capacity, "capacity", 0, "most open handoffs; 0 for no limit")
	f.StringSliceVar(&u.languages, "languages", nil, "languages of the leads, as in de,pt-BR")
	f.StringSliceVar(&u.territories, "territories", nil, "countries or regions of the leads")
	f.StringSliceVar(&u.industries, "industries", nil, "industries of the leads")
	f.StringSliceVar(&u.tiers, "tiers", nil, "size tiers of the leads")
	f.StringVar(&u.zone, "zone", "", "time zone, as in Europe/Berlin; that of the calendar when left out")
	f.StringVar(&u.calendar, "calendar", "", "calendar of the playbook; the team's when left out")
	f.StringVar(&u.booking, "booking", "", "booking link, https://…")
	f.BoolVar(&u.stdin, "password-stdin", false, "read the password from the first line of standard input")
}

func (u *userFlags) request(email string) api.UserRequest {
	name := cmp.Or(u.name, email)
	r := api.UserRequest{Name: &name, Role: &u.role, Capacity: &u.capacity, Zone: &u.zone, Calendar: &u.calendar, BookingURL: &u.booking}
	for _, l := range []struct {
		from []string
		to   **[]string
	}{{u.languages, &r.Languages}, {u.territories, &r.Territories}, {u.industries, &r.Industries}, {u.tiers, &r.Tiers}} {
		if len(l.from) > 0 {
			*l.to = &l.from
		}
	}
	return r
}

// newPassword is the first line of standard input, or one that is made.
func (sh *shell) newPassword(stdin bool) (string, error) {
	if !stdin {
		return seal.NewToken(rand.Reader, "")
	}
	scan := bufio.NewScanner(sh.p.Stdin)
	if !scan.Scan() || scan.Text() == "" {
		return "", usage("standard input has no password")
	}
	return strings.TrimSuffix(scan.Text(), "\r"), nil
}

func (sh *shell) sayPassword(password string) {
	if password != "" {
		sh.say("\nThe password, shown this once:\n\n  %s", password)
	}
}

func (sh *shell) userList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show everybody, the switched-off ones included", Example: "  cusp user list --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			users, err := fetch[api.Page[api.UserItem]](cmd.Context(), sh, "/api/v1/users")
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, users)
			}
			g := newGrid(sh.p.Stdout, "Nobody yet. cusp user add --help shows how to add somebody.",
				"ID", "E-MAIL", "NAME", "ROLE", "TEAMS", "STATE")
			for i := range users.Items {
				u := &users.Items[i]
				g.row(strconv.FormatInt(u.ID, 10), u.Email, u.Name, u.Role, teamsOf(u), activity(u))
			}
			return g.flush()
		},
	}
}

func teamsOf(u *api.UserItem) string {
	var names []string
	for _, m := range u.Teams {
		names = append(names, m.Team)
	}
	return strings.Join(names, ",")
}

func activity(u *api.UserItem) string {
	switch {
	case !u.Active:
		return "switched off"
	case !u.HasPassword:
		return "no password"
	}
	return "active"
}

func (sh *shell) userPassword() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use: "passwd USER", Short: "Set a new password; the user is signed out everywhere",
		Example: "  cusp user passwd ada@acme.example\n  pass show cusp | cusp user passwd ada@acme.example --password-stdin",
		Args:    args("the user: an e-mail address or id"),
		RunE: func(cmd *cobra.Command, in []string) error {
			made, err := sh.newPassword(stdin)
			if err != nil {
				return err
			}
			path := "/users/" + url.PathEscape(in[0]) + "/password"
			if err := sh.send(cmd.Context(), mustExist, http.MethodPost, path, api.PasswordRequest{Password: made}, nil); err != nil {
				return err
			}
			if stdin {
				made = ""
			}
			if sh.json {
				out := map[string]any{"user": in[0], "changed": true}
				if made != "" {
					out["password"] = made
				}
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("%s has a new password and is signed out everywhere.", printable(in[0]))
			sh.sayPassword(made)
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	return cmd
}

func (sh *shell) userDisable() *cobra.Command {
	return &cobra.Command{
		Use: "disable USER", Short: "Switch a user off; they are signed out everywhere at once",
		Example: "  cusp user disable ada@acme.example", Args: args("the user: an e-mail address or id"),
		RunE: func(cmd *cobra.Command, in []string) error {
			off := false
			var out api.UserItem
			path := "/users/" + url.PathEscape(in[0])
			if err := sh.send(cmd.Context(), mustExist, http.MethodPatch, path, api.UserRequest{Active: &off}, &out); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("%s is switched off.", printable(out.Email))
			return nil
		},
	}
}
