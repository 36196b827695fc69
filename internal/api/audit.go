package api

import (
	"context"
	"net/http"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/db"
)

// AuditItem is one row of the audit log.
type AuditItem struct {
	No      int64  `json:"no"`
	At      string `json:"at" format:"date-time"`
	Who     string `json:"who"`
	What    string `json:"what"`
	Subject string `json:"subject"`
	Before  string `json:"before" doc:"SHA-256 of the state before; empty for nothing."`
	After   string `json:"after"`
	Hash    string `json:"hash" doc:"Covers this row and the hash of the row before it."`
}

// AuditVerdict says whether the log is as it was written.
type AuditVerdict struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries" doc:"Rows that are as they were written, from the first on."`
	Head    string `json:"head" doc:"Names the last of them; keep it elsewhere and give it as head another time."`
	Broken  int64  `json:"broken" doc:"The first row that is not as it was written; 0 for none."`
	Reason  string `json:"reason"`
}

type (
	auditIn struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
		Cursor string `query:"cursor" maxLength:"1000"`
	}
	auditOut struct{ Body Page[AuditItem] }
	verifyIn struct {
		Head string `query:"head" maxLength:"100" doc:"A head that was kept elsewhere."`
	}
	verifyOut struct{ Body AuditVerdict }
)

func (a *API) routeAudit() {
	register(a, operation{
		id: "listAudit", method: http.MethodGet, path: "/audit", action: access.ReadAudit, tag: "audit",
		summary: "Who changed what, in the order in which it happened",
	}, a.listAudit)
	register(a, operation{
		id: "verifyAudit", method: http.MethodGet, path: "/audit/verify", action: access.ReadAudit, tag: "audit",
		summary: "Whether any row of the log was changed, removed, exchanged or cut off",
	}, a.verifyAudit)
}

func (a *API) listAudit(ctx context.Context, in *auditIn) (*auditOut, error) {
	of := list("audit")
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	items := []AuditItem{}
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		entries, err := access.AuditEntries(tx, after, in.Limit+1)
		items = items[:0]
		for i := range entries {
			e := &entries[i]
			items = append(items, AuditItem{e.No, e.At.String(), e.Who, e.What, e.Subject, e.Before, e.After, e.Hash})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &auditOut{page(items, in.Limit, of, func(e AuditItem) string { return strconv.FormatInt(e.No, 10) })}, nil
}

func (a *API) verifyAudit(ctx context.Context, in *verifyIn) (*verifyOut, error) {
	var keep access.Head
	if in.Head != "" {
		var err error
		if keep, err = access.ParseHead(in.Head); err != nil {
			return nil, err
		}
	}
	var v access.Verdict
	err := a.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		v, err = access.VerifyAudit(tx, keep)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &verifyOut{AuditVerdict{OK: v.Broken == 0, Entries: v.Entries, Head: v.Head.String(), Broken: v.Broken, Reason: v.Reason}}, nil
}
