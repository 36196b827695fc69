package flow

import (
	"database/sql"
	"fmt"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Published is a playbook in force, or one that was.
type Published struct {
	Version  int
	Playbook *playbook.Playbook
	Note     string
	By       string
	At       lead.Instant
}

var insertPlaybook = db.SQL("flow.insertPlaybook", `
insert into playbook (version, name, hash, source, note, published_by, published_at) values ($1, $2, $3, $4, $5, $6, $7)`)

var newestPlaybook = db.SQL("flow.newestPlaybook", `select coalesce(max(version), 0) from playbook`)

var selectPlaybook = db.SQL("flow.selectPlaybook", `
select version, source, note, published_by, published_at from playbook where version = $1`)

var listPlaybooks = db.SQL("flow.listPlaybooks", `
select version, name, hash, note, published_by, published_at from playbook
 where version < $1 order by version desc limit $2`)

// newestVersion is the version in force; 0 when none was ever published.
func newestVersion(tx *db.Tx) (int, error) {
	var version int
	if err := tx.QueryRow(newestPlaybook, nil, &version); err != nil {
		return 0, fmt.Errorf("find newest playbook: %w", err)
	}
	return version, nil
}

// FindPlaybook reads one published version and compiles it.
func FindPlaybook(tx *db.Tx, version int) (*Published, error) {
	pub := &Published{}
	var source string
	err := tx.QueryRow(selectPlaybook, []any{version}, &pub.Version, &source, &pub.Note, &pub.By, &pub.At)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "There is no playbook version %d.", version).
			WithHint("GET /api/v1/playbooks lists the versions.")
	}
	if err != nil {
		return nil, fmt.Errorf("find playbook %d: %w", version, err)
	}
	compiled, problems := playbook.Parse(fmt.Sprintf("playbook version %d", version), []byte(source))
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("compile playbook %d: %w", version, err)
	}
	pub.Playbook = compiled
	return pub, nil
}

// PlaybookInfo is one line of the list of versions.
type PlaybookInfo struct {
	Version     int    `json:"version"`
	Name        string `json:"name"`
	Hash        string `json:"hash"`
	Note        string `json:"note"`
	PublishedBy string `json:"published_by"`
	PublishedAt string `json:"published_at" format:"date-time"`
}

// Playbooks lists published versions, newest first, below the version before.
func Playbooks(tx *db.Tx, before, limit int) ([]PlaybookInfo, error) {
	var out []PlaybookInfo
	err := tx.Query(listPlaybooks, []any{before, limit}, func(r *sql.Rows) error {
		var x PlaybookInfo
		var at lead.Instant
		if err := r.Scan(&x.Version, &x.Name, &x.Hash, &x.Note, &x.PublishedBy, &at); err != nil {
			return err
		}
		x.PublishedAt = at.String()
		out = append(out, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list playbooks: %w", err)
	}
	return out, nil
}

// publish stores a checked playbook as the next version. Publishing what is in force already changes
// nothing and answers the version in force.
func publish(tx *db.Tx, p *playbook.Playbook, by, note string, now lead.Instant) (*Published, error) {
	version, err := newestVersion(tx)
	if err != nil {
		return nil, err
	}
	if version > 0 {
		inForce, err := FindPlaybook(tx, version)
		if err == nil && inForce.Playbook.Hash == p.Hash {
			return inForce, nil
		}
	}
	pub := &Published{Version: version + 1, Playbook: p, Note: note, By: by, At: now}
	_, err = tx.Exec(insertPlaybook, pub.Version, p.Name, p.Hash, string(p.Source), note, by, int64(now))
	if err == nil {
		err = access.Record(tx, access.Change{
			Who: by, What: "playbook.published", Subject: fmt.Sprintf("playbook:%d", pub.Version), After: p.Hash, At: now,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("publish playbook: %w", err)
	}
	return pub, nil
}
