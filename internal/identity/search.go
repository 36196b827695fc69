package identity

import (
	"database/sql"
	"fmt"
	"strings"

	"cusp/internal/db"
	"cusp/internal/lead"
)

var emailsFrom = db.SQL("identity.emailsFrom", `select value, case when cluster_id = 0 then id else cluster_id end
	from profile where kind = 2 and value >= $1 and value > $2 and value < $3 order by value limit $4`)

// Found is an e-mail address and whose it is.
type Found struct {
	Email  string
	Person lead.PersonID
}

// Search lists the e-mail addresses that begin with a text, in their order, behind the address after; at
// most limit.
func Search(tx *db.Tx, prefix, after string, limit int) ([]Found, error) {
	prefix = strings.ToLower(strings.TrimSpace(prefix))
	if strings.Contains(prefix, "\x00") {
		return nil, nil // no address holds it, and PostgreSQL does not take it
	}
	var out []Found
	// The largest code point comes behind every address with this beginning, in the order of bytes.
	args := []any{prefix, after, prefix + "\U0010FFFF", limit}
	err := tx.Query(emailsFrom, args, func(rows *sql.Rows) error {
		var f Found
		err := rows.Scan(&f.Email, &f.Person)
		out = append(out, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search e-mail addresses: %w", err)
	}
	return out, nil
}
