package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/app"
	"cusp/internal/config"
	"cusp/internal/db"
)

// finding is what the doctor says about one thing.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, warning or failed
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// The states of a finding.
const (
	fine   = "ok"
	warned = "warning"
	failed = "failed"
)

func (sh *shell) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check configuration, database, clock, playbook and keys, and say the remedy",
		Example: "  cusp doctor\n  cusp doctor --db postgres://cusp@db/cusp --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := sh.examine(cmd.Context())
			bad := false
			for _, f := range all {
				bad = bad || f.State == failed
			}
			if sh.json {
				if err := printJSON(sh.p.Stdout, map[string]any{"ok": !bad, "checks": all}); err != nil {
					return err
				}
			} else {
				for _, f := range all {
					sh.say("%-8s %-10s %s", f.State, f.Check, printable(f.Detail))
					if f.Remedy != "" {
						sh.say("%20s→ %s", "", f.Remedy)
					}
				}
			}
			if bad {
				return &silentError{}
			}
			return nil
		},
	}
}

func (sh *shell) examine(ctx context.Context) []finding {
	cfg, err := sh.settings()
	if err != nil {
		return []finding{{"settings", failed, message(err), hintOf(err)}}
	}
	all := []finding{examineSettings(cfg), sh.examineClock()}
	if cfg.URL == "" {
		all = append(all, examineFile(cfg.DB))
	}
	c, err := sh.connect(ctx, mustExist)
	if err != nil {
		return append(all, finding{"database", failed, message(err), hintOf(err)})
	}
	defer c.close()
	var s api.StatusItem
	if err := c.call(ctx, http.MethodGet, "/api/v1/status", nil, &s); err != nil {
		return append(all, finding{"database", failed, message(err), hintOf(err)})
	}
	all = append(all, finding{Check: "database", State: fine, Detail: fmt.Sprintf("%s answers in %.1f ms", s.Database, s.DatabaseMS)})
	return append(all, sh.examineServerClock(s), examinePlaybook(s, sh.p.Now()), examineSources(s))
}

// examineSettings reports names that look like settings and are none.
func examineSettings(cfg *config.Config) finding {
	if w := cfg.Warnings(); len(w) > 0 {
		return finding{"settings", warned, strings.Join(w, "; "), "correct the name, or leave it if another program reads it"}
	}
	return finding{Check: "settings", State: fine, Detail: "every setting is known and right"}
}

// examineClock refuses a clock that was never set: times of events would be called absurd.
func (sh *shell) examineClock() finding {
	if now := sh.p.Now(); now.Year() < 2025 {
		return finding{"clock", failed, "this machine thinks it is " + now.UTC().Format(time.RFC3339), "set the clock (timedatectl set-ntp true)"}
	}
	return finding{Check: "clock", State: fine, Detail: sh.p.Now().UTC().Format(time.RFC3339)}
}

func (sh *shell) examineServerClock(s api.StatusItem) finding {
	at, err := time.Parse(time.RFC3339, s.Now)
	if off := sh.p.Now().Sub(at).Abs(); err == nil && off > 5*time.Second {
		return finding{"time", warned, fmt.Sprintf("the server's clock is %s away from this one", off.Round(time.Second)), "let both machines keep time by NTP"}
	}
	return finding{Check: "time", State: fine, Detail: "this clock agrees with the server's"}
}

// examineFile looks at the file that holds the database and the folder around it.
func examineFile(dsn string) finding {
	if db.IsPostgres(dsn) {
		return finding{Check: "storage", State: fine, Detail: redacted(dsn)}
	}
	path := db.Path(dsn)
	if !app.Exists(dsn) {
		return finding{"storage", failed, "there is no database " + path, "cusp serve makes one; --db names another"}
	}
	info, err := os.Stat(path)
	if err != nil {
		return finding{"storage", failed, err.Error(), "check the permissions of the file"}
	}
	if info.Mode().Perm()&0o007 != 0 {
		return finding{"storage", warned, path + " may be read by everybody on this machine", "chmod 600 " + path}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	return finding{Check: "storage", State: fine, Detail: fmt.Sprintf("%s, %.1f MB", full, float64(info.Size())/1e6)}
}

func examinePlaybook(s api.StatusItem, now time.Time) finding {
	if s.Playbook == nil {
		return finding{"playbook", warned, "none is published: events are stored and nothing is decided", "cusp playbook publish FILE"}
	}
	detail := fmt.Sprintf("%s, version %d", s.Playbook.Name, s.Playbook.Version)
	if due, err := time.Parse(time.RFC3339, s.ReviewDue); err == nil && now.After(due) {
		return finding{"playbook", warned, detail + ", was to be reviewed by " + due.Format(time.DateOnly), "review it with both teams and publish it again"}
	}
	return finding{Check: "playbook", State: fine, Detail: detail}
}

func examineSources(s api.StatusItem) finding {
	if s.WriteKeys == 0 {
		return finding{"keys", warned, "there is no write key, so that nothing can send events", "cusp key create --kind write --name website"}
	}
	return finding{Check: "keys", State: fine, Detail: count(s.WriteKeys, "write key") + ", " + count(s.APIKeys, "API key")}
}

// redacted is a data source without its password.
func redacted(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		return u.Redacted()
	}
	return dsn
}
