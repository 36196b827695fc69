package cli

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/app"
	"cusp/internal/config"
	"cusp/internal/mail"
)

// outgoing is how messages leave, by the settings.
func outgoing(cfg *config.Config) app.Outgoing {
	o := app.Outgoing{KeyFile: cfg.KeyFile, SlackSecret: cfg.SlackSecret.Reveal(), Allow: cfg.OutgoingAllow}
	if cfg.SMTPHost != "" {
		o.Mail = &mail.Config{
			Host: cfg.SMTPHost, Port: cfg.SMTPPort, User: cfg.SMTPUser, Password: cfg.SMTPPassword.Reveal(),
			Security: mail.Security(cfg.SMTPSecurity), From: cfg.SMTPFrom,
		}
	}
	return o
}

func (sh *shell) destinationCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "destination", Short: "Say where messages go, and see what arrived",
		Example: "  cusp destination create crm --kind webhook --address https://crm.example/cusp --types 'handoff.*'\n" +
			"  cusp destination test crm\n  cusp destination deliveries --state dead",
	}, sh.destinationCreate(), sh.destinationList(), sh.destinationTest(), sh.destinationSwitch("enable", "Switch a destination on"),
		sh.destinationSwitch("disable", "Switch a destination off; what waits for it is called off"), sh.destinationRotate(),
		sh.destinationLink(), sh.destinationDelete(), sh.destinationDeliveries(), sh.destinationReplay())
}

func (sh *shell) destinationCreate() *cobra.Command {
	var req api.NewDestinationRequest
	var types string
	cmd := &cobra.Command{
		Use: "create ID --kind email|slack|webhook --address ADDRESS", Short: "Make a destination",
		Long: "A webhook's signing secret is printed, this once. The playbook sends messages to a destination by its\n" +
			"id; with --types it gets messages in any case.",
		Example: "  cusp destination create ada --kind email --address ada@company.example --quiet 20:00-07:00 --zone Europe/Berlin\n" +
			"  cusp destination create sales --kind slack --address https://hooks.slack.com/services/…\n" +
			"  cusp destination create crm --kind webhook --address https://crm.example/cusp --types 'handoff.*'",
		Args: args("the id of the destination, such as sales-slack"),
		RunE: func(cmd *cobra.Command, in []string) error {
			req.ID = in[0]
			if req.Kind == "" || req.Address == "" {
				return usage("--kind and --address are needed")
			}
			for t := range strings.SplitSeq(types, ",") {
				if t = strings.TrimSpace(t); t != "" {
					req.Types = append(req.Types, t)
				}
			}
			var made api.MadeDestinationItem
			if err := sh.destinationCall(cmd, http.MethodPost, "/api/v1/destinations", req, &made, mayCreate); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, made)
			}
			sh.say("Messages for %s go to %s. Try it: cusp destination test %s", made.ID, printable(made.Address), made.ID)
			if made.Secret != "" {
				sh.say("\nSigning secret, shown this once:\n\n  %s", made.Secret)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&req.Kind, "kind", "", "email, slack or webhook")
	cmd.Flags().StringVar(&req.Address, "address", "", "an e-mail address or a URL")
	cmd.Flags().StringVar(&req.Name, "name", "", "what people call it; the id when absent")
	cmd.Flags().StringVar(&types, "types", "", "messages that come here in any case, with commas between: handoff.assigned, handoff.*, *")
	cmd.Flags().StringVar(&req.Zone, "zone", "", "time zone for times and quiet hours, such as Europe/Berlin")
	cmd.Flags().StringVar(&req.Quiet, "quiet", "", "hours in which messages wait, such as 20:00-07:00; raised hands do not")
	return cmd
}

// destinationCall connects and calls once.
func (sh *shell) destinationCall(cmd *cobra.Command, method, path string, in, out any, create whether) error {
	c, err := sh.connect(cmd.Context(), create)
	if err != nil {
		return err
	}
	defer c.close()
	return c.call(cmd.Context(), method, path, in, out)
}

func destinationPath(id, verb string) string {
	return strings.TrimSuffix("/api/v1/destinations/"+url.PathEscape(id)+"/"+verb, "/")
}

func (sh *shell) destinationList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show where messages go", Example: "  cusp destination list", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all api.Page[api.DestinationItem]
			if err := sh.destinationCall(cmd, http.MethodGet, "/api/v1/destinations", nil, &all, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, all)
			}
			g := newGrid(sh.p.Stdout, "None yet. cusp destination create --help shows how alerts get into Slack, to a webhook or a mailbox.",
				"ID", "KIND", "ADDRESS", "TYPES", "SENT", "LAST", "STATE")
			for _, d := range all.Items {
				g.row(d.ID, d.Kind, printable(d.Address), strings.Join(d.Types, ","), strconv.FormatInt(d.Sent, 10), when(d.LastAt, "never"),
					destinationState(d))
			}
			return g.flush()
		},
	}
}

func destinationState(d api.DestinationItem) string {
	switch {
	case !d.Enabled:
		return "off: " + printable(d.Reason)
	case d.LastError != "":
		return "failing: " + printable(d.LastError)
	}
	return "on"
}

func (sh *shell) destinationTest() *cobra.Command {
	return &cobra.Command{
		Use: "test ID", Short: "Send a message there now", Example: "  cusp destination test crm", Args: args("the id of the destination"),
		RunE: func(cmd *cobra.Command, in []string) error {
			var t api.TestedItem
			if err := sh.destinationCall(cmd, http.MethodPost, destinationPath(in[0], "test"), nil, &t, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, t)
			}
			if !t.OK {
				sh.say("It did not arrive: %s", printable(t.Error))
				return &silentError{}
			}
			sh.say("It arrived.")
			return nil
		},
	}
}

func (sh *shell) destinationSwitch(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Example: "  cusp destination " + verb + " crm", Args: args("the id of the destination"),
		RunE: func(cmd *cobra.Command, in []string) error {
			var d api.DestinationItem
			if err := sh.destinationCall(cmd, http.MethodPost, destinationPath(in[0], verb), nil, &d, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, d)
			}
			sh.say("%s is %s.", d.ID, destinationState(d))
			return nil
		},
	}
}

func (sh *shell) destinationRotate() *cobra.Command {
	return &cobra.Command{
		Use: "rotate ID", Short: "Replace a webhook's signing secret; for a day both sign", Example: "  cusp destination rotate crm",
		Args: args("the id of the destination"),
		RunE: func(cmd *cobra.Command, in []string) error {
			var made api.MadeDestinationItem
			if err := sh.destinationCall(cmd, http.MethodPost, destinationPath(in[0], "rotate"), nil, &made, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, made)
			}
			sh.say("New signing secret of %s, shown this once:\n\n  %s\n\nThe one before it signs as well for a day.", made.ID, made.Secret)
			return nil
		},
	}
}

func (sh *shell) destinationLink() *cobra.Command {
	return &cobra.Command{
		Use: "link ID SLACK-USER EMAIL", Short: "Say who in Slack is which user, so that buttons work",
		Example: "  cusp destination link sales U024BE7LH ada@company.example",
		Args:    args("the id of the destination", "the Slack user's id", "the e-mail address of the user"),
		RunE: func(cmd *cobra.Command, in []string) error {
			var d api.DestinationItem
			req := api.LinkRequest{SlackUser: in[1], Email: in[2]}
			if err := sh.destinationCall(cmd, http.MethodPost, destinationPath(in[0], "link"), req, &d, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, d)
			}
			sh.say("%s in Slack is %s.", printable(in[1]), printable(d.People[in[1]]))
			return nil
		},
	}
}

func (sh *shell) destinationDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Forget a destination; what waits for it is called off", Example: "  cusp destination delete crm",
		Args: args("the id of the destination"),
		RunE: func(cmd *cobra.Command, in []string) error {
			if err := sh.destinationCall(cmd, http.MethodDelete, destinationPath(in[0], ""), nil, nil, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, map[string]any{"id": in[0], "deleted": true})
			}
			sh.say("%s is forgotten.", printable(in[0]))
			return nil
		},
	}
}

func (sh *shell) destinationDeliveries() *cobra.Command {
	var to, state string
	var limit int
	cmd := &cobra.Command{
		Use: "deliveries", Short: "Show what was sent where, the newest first",
		Example: "  cusp destination deliveries --state dead\n  cusp destination deliveries --to ada@company.example --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if to != "" {
				q.Set("destination", to)
			}
			if state != "" {
				q.Set("state", state)
			}
			var all api.Page[api.DeliveryItem]
			if err := sh.destinationCall(cmd, http.MethodGet, "/api/v1/deliveries?"+q.Encode(), nil, &all, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, all)
			}
			g := newGrid(sh.p.Stdout, "None. Deliveries begin when something happens that a destination is to hear of.",
				"ID", "AT", "TO", "TYPE", "TITLE", "STATE", "ATTEMPTS", "ERROR")
			for _, d := range all.Items {
				g.row(strconv.FormatInt(d.ID, 10), d.CreatedAt, printable(d.Destination), d.Type, printable(d.Title), d.State,
					strconv.Itoa(d.Attempts), printable(d.Error))
			}
			return g.flush()
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "only to this destination or e-mail address")
	cmd.Flags().StringVar(&state, "state", "", "only waiting, sent, dead or cancelled ones")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, at most 500")
	return cmd
}

func (sh *shell) destinationReplay() *cobra.Command {
	return &cobra.Command{
		Use: "replay DELIVERY", Short: "Send again what was given up or called off", Example: "  cusp destination replay 12",
		Args: args("the id of the delivery"),
		RunE: func(cmd *cobra.Command, in []string) error {
			id, err := strconv.ParseInt(in[0], 10, 64)
			if err != nil || id < 1 {
				return usage("%q is not the id of a delivery; cusp destination deliveries shows them", in[0])
			}
			path := "/api/v1/deliveries/" + in[0] + "/replay"
			if err := sh.destinationCall(cmd, http.MethodPost, path, nil, nil, mustExist); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, map[string]any{"id": id, "waiting": true})
			}
			sh.say("Delivery %d is sent again.", id)
			return nil
		},
	}
}
