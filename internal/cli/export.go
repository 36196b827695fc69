package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/flow"
	"cusp/internal/respond"
)

// exports are what can be exported, and how.
var exports = []string{"people", "accounts", "events", "ledger", "handoffs"}

func (sh *shell) exportCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "export people|accounts|events|ledger|handoffs", Short: "Print everything stored, as a stream",
		Example:   "  cusp export events > events.ndjson\n  cusp export people --format csv > people.csv",
		ValidArgs: exports,
		Args: func(_ *cobra.Command, in []string) error {
			if len(in) != 1 || !slices.Contains(exports, in[0]) {
				return usage("say what to export: %s", strings.Join(exports, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, in []string) error {
			if format != "csv" && format != "ndjson" {
				return usage("--format must be csv or ndjson")
			}
			return sh.export(cmd.Context(), in[0], format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "ndjson", "ndjson (one JSON document a line) or csv")
	return cmd
}

func (sh *shell) export(ctx context.Context, what, format string) error {
	c, err := sh.connect(ctx, mustExist)
	if err != nil {
		return err
	}
	defer c.close()
	out := bufio.NewWriterSize(sh.p.Stdout, 64<<10)
	if what == "events" {
		err = exportEvents(ctx, c, out, format)
	} else {
		err = exportPages(ctx, c, out, what, format)
	}
	if err != nil {
		return fmt.Errorf("export %s: %w", what, err)
	}
	return out.Flush()
}

// exportEvents streams the log; as NDJSON it is passed on as it comes.
func exportEvents(ctx context.Context, c *client, out io.Writer, format string) error {
	return c.stream(ctx, "/api/v1/events/export", func(body io.Reader) error {
		if format == "ndjson" {
			_, err := io.Copy(out, body)
			return err
		}
		return eventTable(body, out)
	})
}

// eventTable turns the stream of events into a table.
func eventTable(body io.Reader, out io.Writer) error {
	csv, err := respond.NewCSV(out, "message_id", "type", "user_id", "anonymous_id", "time", "received_at", "name", "path", "message")
	if err != nil {
		return err
	}
	dec := json.NewDecoder(body)
	for {
		var e api.ExportedEvent
		if err := dec.Decode(&e); err == io.EOF {
			return csv.Close()
		} else if err != nil {
			return err
		}
		if err := csv.Row(e.MessageID, e.Type, e.UserID, e.AnonymousID, e.Time, e.ReceivedAt, e.Name, e.Path, string(e.Message)); err != nil {
			return err
		}
	}
}

// exportPages walks through a list and prints its items.
func exportPages(ctx context.Context, c *client, out io.Writer, what, format string) error {
	write, end := ndjson(out)
	if format == "csv" {
		var err error
		if write, end, err = tables(what, out); err != nil {
			return err
		}
	}
	for cursor := ""; ; {
		var page api.Page[json.RawMessage]
		if err := c.call(ctx, http.MethodGet, "/api/v1/"+what+query("limit", "500", "cursor", cursor), nil, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := write(item); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return end()
		}
	}
}

func ndjson(out io.Writer) (write func(json.RawMessage) error, end func() error) {
	return func(item json.RawMessage) error {
		_, err := out.Write(append(item, '\n'))
		return err
	}, func() error { return nil }
}

// tables are the columns of each kind of list.
func tables(what string, out io.Writer) (write func(json.RawMessage) error, end func() error, err error) {
	switch what {
	case "people":
		return rows(out, []string{"id", "user_id", "email", "name", "title", "account_id", "company", "decision", "track", "stage", "level",
			"quadrant", "fit", "intent", "momentum", "since", "last_seen", "events"}, func(p flow.Summary) []any {
			return []any{p.ID, p.UserID, p.Email, p.Name, p.Title, p.AccountID, p.Company, string(p.Decision), string(p.Track), string(p.Stage), p.Level,
				string(p.Quadrant), number(p.Fit), p.Intent, string(p.Momentum), p.Since, p.LastSeen, p.Events}
		})
	case "accounts":
		return rows(out, []string{"id", "name", "domain", "score", "decision", "people", "traits"}, func(a api.AccountItem) []any {
			return []any{a.ID, a.Name, a.Domain, a.Score, string(a.Decision), a.People, a.Traits}
		})
	case "handoffs":
		return rows(out, []string{"id", "person", "account", "round", "state", "track", "decision", "team", "owner", "event_at", "opened_at",
			"assigned_at", "due_at", "accepted_at", "contacted_at", "closed_at", "peak_at", "recycle_at", "system_seconds", "human_seconds",
			"human_business_seconds", "reason", "barrier", "stage", "attempts", "playbook", "late", "breach"}, func(h api.HandoffItem) []any {
			return []any{h.ID, h.Person, h.Account, h.Round, h.State, h.Track, h.Decision, h.Team, h.Owner, when(h.EventAt, ""), when(h.OpenedAt, ""),
				when(h.AssignedAt, ""), when(h.DueAt, ""), when(h.AcceptedAt, ""), when(h.ContactedAt, ""), when(h.ClosedAt, ""), when(h.PeakAt, ""),
				when(h.RecycleAt, ""), number(h.SystemTime), number(h.HumanTime), number(h.BusinessTime), h.Reason, h.Barrier, h.Stage, h.Attempts,
				h.Playbook, h.Late, h.Breach}
		})
	}
	return rows(out, []string{"id", "person", "at", "recorded_at", "playbook_version", "playbook_hash", "cause", "decision_before", "decision",
		"rule", "track", "quadrant", "stage_before", "stage", "level", "fit", "coverage", "intent"}, func(e flow.Entry) []any {
		return []any{e.ID, e.Person, e.At, e.RecordedAt, e.Version, e.Hash, string(e.Cause), e.DecisionBefore, e.Decision,
			e.Rule, e.Track, e.Quadrant, e.StageBefore, e.Stage, e.Level, number(e.Fit), e.Coverage, e.Intent}
	})
}

func number(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}

func rows[T any](out io.Writer, header []string, cells func(T) []any) (func(json.RawMessage) error, func() error, error) {
	csv, err := respond.NewCSV(out, header...)
	if err != nil {
		return nil, nil, err
	}
	write := func(raw json.RawMessage) error {
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			return fmt.Errorf("read item: %w", err)
		}
		return csv.Row(cells(item)...)
	}
	return write, csv.Close, nil
}
