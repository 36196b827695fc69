package cli

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/access"
	"cusp/internal/api"
)

func (sh *shell) keyCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "key", Short: "Make, list and revoke keys",
		Example: "  cusp key create --kind write --name website\n  cusp key list",
	}, sh.keyCreate(), sh.keyList(), sh.keyRevoke())
}

// madeKey is what `key create --json` prints: other programs read it.
type madeKey struct {
	ID   int64  `json:"id"`
	Kind string `json:"kind"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

func (sh *shell) keyCreate() *cobra.Command {
	var kind, name, scopes string
	var server bool
	cmd := &cobra.Command{
		Use: "create --kind write|api --name NAME", Short: "Make a key and print it, this once",
		Long: "A write key sends events and reads nothing; it may be shown in a web page. With --server it is one\n" +
			"that a server keeps secret, whose events may join known people. An API key reads and changes data,\n" +
			"within its scopes.",
		Example: "  cusp key create --kind write --name website\n" +
			"  cusp key create --kind write --server --name backend\n" +
			"  cusp key create --kind api --scopes read --name dashboard --json",
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if kind != "write" && kind != "api" {
				return usage("--kind must be write or api")
			}
			if name == "" {
				return usage("--name is missing; name the key after what will use it")
			}
			req := api.NewKeyRequest{Kind: kind, Name: name, Trusted: server}
			if kind == "api" {
				list, err := access.ParseScopes(scopes)
				if err != nil {
					return &usageError{err}
				}
				for _, s := range list {
					req.Scopes = append(req.Scopes, string(s))
				}
			}
			return sh.createKey(cmd, req)
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "write (sends events) or api (reads and changes data)")
	cmd.Flags().StringVar(&name, "name", "", "what will use it")
	cmd.Flags().StringVar(&scopes, "scopes", "admin", "API keys: read, write or admin; each includes the one before")
	cmd.Flags().BoolVar(&server, "server", false, "write keys: for a server, which keeps it secret")
	return cmd
}

func (sh *shell) createKey(cmd *cobra.Command, req api.NewKeyRequest) error {
	c, err := sh.connect(cmd.Context(), mayCreate)
	if err != nil {
		return err
	}
	defer c.close()
	var made api.NewKeyItem
	if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/keys", req, &made); err != nil {
		return err
	}
	if sh.json {
		return printJSON(sh.p.Stdout, madeKey{ID: made.ID, Kind: made.Kind, Key: made.Key, Name: made.Name})
	}
	sh.say("%s key %d for %s:\n\n  %s\n\nIt is shown this once.", made.Kind, made.ID, printable(made.Name), made.Key)
	return nil
}

func (sh *shell) keyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show every key, without its secret", Example: "  cusp key list --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := sh.connect(cmd.Context(), mustExist)
			if err != nil {
				return err
			}
			defer c.close()
			var keys api.Page[api.KeyItem]
			if err := c.call(cmd.Context(), http.MethodGet, "/api/v1/keys", nil, &keys); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, keys)
			}
			g := newGrid(sh.p.Stdout, "None yet. cusp key create --help shows how to make one.",
				"ID", "KIND", "NAME", "BEGINS", "MAY", "LAST USED", "STATE")
			for _, k := range keys.Items {
				g.row(strconv.FormatInt(k.ID, 10), k.Kind, k.Name, k.Prefix, may(k), when(k.LastUsedAt, "never"), state(k))
			}
			return g.flush()
		},
	}
}

func may(k api.KeyItem) string {
	switch {
	case k.Kind == "api":
		return strings.Join(k.Scopes, ",")
	case k.Trusted:
		return "send (server)"
	}
	return "send"
}

func state(k api.KeyItem) string {
	if k.RevokedAt != nil {
		return "revoked " + *k.RevokedAt
	}
	return "in use"
}

func when(at *string, never string) string {
	if at == nil {
		return never
	}
	return *at
}

func (sh *shell) keyRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a key for good", Example: "  cusp key revoke 4", Args: args("the id of the key"),
		RunE: func(cmd *cobra.Command, in []string) error {
			id, err := strconv.ParseInt(in[0], 10, 64)
			if err != nil || id < 1 {
				return usage("%q is not the id of a key; cusp key list shows them", in[0])
			}
			c, err := sh.connect(cmd.Context(), mustExist)
			if err != nil {
				return err
			}
			defer c.close()
			if err := c.call(cmd.Context(), http.MethodDelete, "/api/v1/keys/"+in[0], nil, nil); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, map[string]any{"id": id, "revoked": true})
			}
			sh.say("Key %d is revoked.", id)
			return nil
		},
	}
}
