package access

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// auditPage is how many entries are read at a time when the log is verified.
const auditPage = 1000

// Change is something that somebody did and that the audit log keeps.
type Change struct {
	Who           string // as [Principal.String] has it; empty: whoever makes the request of the transaction
	What          string // "user.changed"
	Subject       string // "user:3"; never a name or an address
	Before, After any    // nil when there was or is nothing; only a digest of their JSON is kept
	At            lead.Instant
}

// Entry is one row of the audit log.
type Entry struct {
	No      int64
	At      lead.Instant
	Who     string
	What    string
	Subject string
	Before  string // SHA-256 of the JSON before the change; empty for nothing
	After   string // and after it
	Hash    string // covers this row and the hash of the row before it
}

// Head names the newest entry of the log. Kept elsewhere, it shows that nothing was cut off since.
type Head struct {
	No   int64
	Hash string
}

// String is the head as logs and commands have it, as in "12:5f0c…"; "0:" for an empty log.
func (h Head) String() string { return strconv.FormatInt(h.No, 10) + ":" + h.Hash }

// ParseHead reads what [Head.String] writes.
func ParseHead(text string) (Head, error) {
	no, hash, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(no, 10, 64)
	if !ok || err != nil || n < 0 || (n == 0) != (hash == "") {
		return Head{}, fault.New(fault.Invalid, "%q is not the head of an audit log", text).WithCode("wrong_head").
			WithField("query.head").WithHint("copy it from the server's log or from cusp audit verify: a number, a colon, a hash")
	}
	return Head{No: n, Hash: hash}, nil
}

// Verdict is what came of verifying the log.
type Verdict struct {
	Entries int64
	Head    Head
	Broken  int64  // number of the first row that is not as it was written; 0 for none
	Reason  string // what is wrong with it
}

var lockHead = db.SQL("access.lockHead", `select no, hash from audit_head where id = 1 /*for update*/`)

var insertEntry = db.SQL("access.insertEntry", `
	insert into audit_entry (no, at, who, what, subject, before_sum, after_sum, hash)
	values ($1, $2, $3, $4, $5, $6, $7, $8)`)

var moveHead = db.SQL("access.moveHead", `update audit_head set no = $1, hash = $2 where id = 1`)

// Record adds a change to the audit log, in the transaction that makes the change.
func Record(tx *db.Tx, c Change) error {
	e := Entry{At: c.At, Who: c.Who, What: c.What, Subject: c.Subject}
	if e.Who == "" {
		e.Who = From(tx.Context()).String()
	}
	var err error
	if e.Before, err = sumOf(c.Before); err != nil {
		return err
	}
	if e.After, err = sumOf(c.After); err != nil {
		return err
	}
	var head Head
	if err := tx.QueryRow(lockHead, nil, &head.No, &head.Hash); err != nil {
		return fmt.Errorf("read head of audit log: %w", err)
	}
	e.No = head.No + 1
	e.Hash = e.sum(head.Hash)
	if _, err := tx.Exec(insertEntry, e.No, int64(e.At), e.Who, e.What, e.Subject, e.Before, e.After, e.Hash); err != nil {
		return fmt.Errorf("add to audit log: %w", err)
	}
	_, err = tx.Exec(moveHead, e.No, e.Hash)
	return err
}

// sumOf digests a state; encoding/json writes equal states equally.
func sumOf(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("digest a change: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// sum is the hash of an entry that follows the one with the hash prev. Every field has its length before
// it, so that no two entries are hashed from the same bytes.
func (e *Entry) sum(prev string) string {
	h := sha256.New()
	fields := []string{prev, strconv.FormatInt(e.No, 10), strconv.FormatInt(int64(e.At), 10), e.Who, e.What, e.Subject, e.Before, e.After}
	for _, f := range fields {
		h.Write([]byte(strconv.Itoa(len(f)) + ":" + f)) // a hash never fails to write
	}
	return hex.EncodeToString(h.Sum(nil))
}

// chain follows the log from its first entry.
type chain struct {
	v    Verdict
	keep Head // known from elsewhere
}

// next takes the entry that follows; false when the log is broken there.
func (c *chain) next(e *Entry) bool {
	want := c.v.Head.No + 1
	switch {
	case e.No != want:
		c.v.Broken, c.v.Reason = want, "the row is missing"
	case e.Hash != e.sum(c.v.Head.Hash):
		c.v.Broken, c.v.Reason = want, "the row was changed"
	case c.keep.No == want && c.keep.Hash != e.Hash:
		c.v.Broken, c.v.Reason = want, "the row is not the one that the given head names"
	default:
		c.v.Entries, c.v.Head = c.v.Entries+1, Head{No: e.No, Hash: e.Hash}
		return true
	}
	return false
}

// end compares the last entry with the head in the database and the one from elsewhere.
func (c *chain) end(stored Head) Verdict {
	switch {
	case c.v.Broken != 0:
	case stored.No > c.v.Head.No || c.keep.No > c.v.Head.No:
		c.v.Broken, c.v.Reason = c.v.Head.No+1, "the end of the log was cut off"
	case stored != c.v.Head:
		c.v.Broken, c.v.Reason = max(c.v.Head.No, 1), "the head in the database is not that of the last row"
	}
	return c.v
}

var readHead = db.SQL("access.readHead", `select no, hash from audit_head where id = 1`)

var listEntries = db.SQL("access.listEntries", `
	select no, at, who, what, subject, before_sum, after_sum, hash
	from audit_entry
	where no > $1
	order by no
	limit $2`)

// AuditHead is the newest entry's name.
func AuditHead(tx *db.Tx) (Head, error) {
	var h Head
	err := tx.QueryRow(readHead, nil, &h.No, &h.Hash)
	return h, err
}

// AuditEntries are at most limit entries after a number, in order.
func AuditEntries(tx *db.Tx, after int64, limit int) ([]Entry, error) {
	entries := []Entry{}
	err := tx.Query(listEntries, []any{after, limit}, func(rows *sql.Rows) error {
		var e Entry
		err := rows.Scan(&e.No, &e.At, &e.Who, &e.What, &e.Subject, &e.Before, &e.After, &e.Hash)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

// VerifyAudit reads the whole log and says whether any row was changed, removed, exchanged or cut off.
// Whoever can write the database can write a whole new log: only a head that was kept elsewhere shows
// that; give the zero Head for none.
func VerifyAudit(tx *db.Tx, keep Head) (Verdict, error) {
	c := chain{keep: keep}
	var from int64 = -1 << 62
	for {
		page, err := AuditEntries(tx, from, auditPage)
		if err != nil {
			return Verdict{}, fmt.Errorf("read audit log: %w", err)
		}
		for i := range page {
			if !c.next(&page[i]) {
				return c.v, nil
			}
			from = page[i].No
		}
		if len(page) < auditPage {
			break
		}
	}
	stored, err := AuditHead(tx)
	if fault.Is(err, fault.NotFound) {
		return c.end(Head{No: -1}), nil
	}
	return c.end(stored), err
}
