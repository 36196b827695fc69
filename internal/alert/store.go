package alert

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

var insertDestinationSQL = db.SQL("alert.insertDestination", `
	insert into destination (id, kind, name, shown, sealed, types, zone, quiet_from, quiet_to, people, enabled, reason,
	       created_at, tested_at, last_at, last_error, sent, failed)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, '', 0, 0)
	on conflict (id) do nothing`)

func insertDestination(tx *db.Tx, d *Destination) error {
	people, err := json.Marshal(d.People)
	if err != nil {
		return fmt.Errorf("write destination: %w", err)
	}
	n, err := tx.Exec(insertDestinationSQL, d.ID, string(d.Kind), d.Name, d.Shown, d.sealed, strings.Join(d.Types, " "), d.Zone,
		d.Quiet.From, d.Quiet.To, string(people), d.Enabled, d.Reason, int64(d.CreatedAt))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "there is a destination %q already", d.ID).WithCode("destination_exists").
			WithHint("choose another id, or delete that one first")
	}
	return err
}

var listDestinationsSQL = db.SQL("alert.listDestinations", `
	select id, kind, name, shown, sealed, types, zone, quiet_from, quiet_to, people, enabled, reason,
	       created_at, tested_at, last_at, last_error, sent, failed
	from destination
	order by id`)

func listDestinations(tx *db.Tx) ([]Destination, error) {
	var all []Destination
	err := tx.Query(listDestinationsSQL, nil, func(rows *sql.Rows) error {
		d, err := scanDestination(rows.Scan)
		all = append(all, d)
		return err
	})
	return all, err
}

var findDestinationSQL = db.SQL("alert.findDestination", `
	select id, kind, name, shown, sealed, types, zone, quiet_from, quiet_to, people, enabled, reason,
	       created_at, tested_at, last_at, last_error, sent, failed
	from destination
	where id = $1`)

func findDestination(tx *db.Tx, id string) (Destination, error) {
	return oneDestination(tx, findDestinationSQL, id)
}

var lockDestinationSQL = db.SQL("alert.lockDestination", `
	select id, kind, name, shown, sealed, types, zone, quiet_from, quiet_to, people, enabled, reason,
	       created_at, tested_at, last_at, last_error, sent, failed
	from destination
	where id = $1 /*for update*/`)

// lockDestination is findDestination for changing it: others wait until tx has ended.
func lockDestination(tx *db.Tx, id string) (Destination, error) {
	return oneDestination(tx, lockDestinationSQL, id)
}

func oneDestination(tx *db.Tx, s *db.Statement, id string) (d Destination, err error) {
	found := false
	err = tx.Query(s, []any{id}, func(rows *sql.Rows) error {
		found = true
		d, err = scanDestination(rows.Scan)
		return err
	})
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no destination %q", id).WithCode("unknown_destination").
			WithHint("cusp destination list shows them")
	}
	return d, err
}

func scanDestination(scan func(...any) error) (d Destination, err error) {
	var types, people string
	err = scan(&d.ID, &d.Kind, &d.Name, &d.Shown, &d.sealed, &types, &d.Zone, &d.Quiet.From, &d.Quiet.To, &people, &d.Enabled,
		&d.Reason, &d.CreatedAt, &d.TestedAt, &d.LastAt, &d.LastError, &d.Sent, &d.Failed)
	if err != nil {
		return d, err
	}
	d.Types = strings.Fields(types)
	if err := json.Unmarshal([]byte(people), &d.People); err != nil {
		return d, fmt.Errorf("read destination %s: %w", d.ID, err)
	}
	return d, nil
}

var updateDestinationSQL = db.SQL("alert.updateDestination", `
	update destination
	set sealed = $2, people = $3, enabled = $4, reason = $5
	where id = $1`)

func updateDestination(tx *db.Tx, d *Destination) error {
	people, err := json.Marshal(d.People)
	if err != nil {
		return fmt.Errorf("write destination: %w", err)
	}
	_, err = tx.Exec(updateDestinationSQL, d.ID, d.sealed, string(people), d.Enabled, d.Reason)
	return err
}

var deleteDestination = db.SQL("alert.deleteDestination", `delete from destination where id = $1`)

var noteAttempt = db.SQL("alert.noteAttempt", `
	update destination
	set last_at = $2, last_error = $3, sent = sent + $4, failed = failed + $5
	where id = $1`)

var noteTest = db.SQL("alert.noteTest", `
	update destination set tested_at = $2, last_at = $2, last_error = $3 where id = $1`)

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states.
const (
	Waiting   DeliveryState = "waiting"   // for its time, or for another attempt
	Sent      DeliveryState = "sent"      // for good
	Dead      DeliveryState = "dead"      // given up; can be replayed
	Cancelled DeliveryState = "cancelled" // its destination was switched off; can be replayed
)

// Delivery is one message at one destination.
type Delivery struct {
	ID          int64
	Message     string // the id that the receiver sees
	Destination string
	Type        string
	Title       string
	State       DeliveryState
	Status      int    // HTTP status of the last attempt; 0: none
	Error       string // of the last attempt
	Attempts    int
	CreatedAt   lead.Instant
	NotBefore   lead.Instant // held back until then; 0: not
	FinishedAt  lead.Instant
}

var insertDelivery = db.SQL("alert.insertDelivery", `
	insert into delivery (message, destination, type, title, state, status, error, attempts, created_at, not_before, finished_at)
	values ($1, $2, $3, $4, 'waiting', 0, '', 0, $5, $6, 0)
	on conflict (message) do nothing`)

var updateDelivery = db.SQL("alert.updateDelivery", `
	update delivery
	set state = $2, status = $3, error = $4, attempts = attempts + $5, finished_at = $6
	where message = $1`)

var buryDelivery = db.SQL("alert.buryDelivery", `
	update delivery set state = 'dead', finished_at = $2 where message = $1 and state = 'waiting'`)

var reviveDelivery = db.SQL("alert.reviveDelivery", `
	update delivery set state = 'waiting', not_before = 0, finished_at = 0 where message = $1`)

var holdDelivery = db.SQL("alert.holdDelivery", `update delivery set not_before = $2 where message = $1`)

var cancelDeliveries = db.SQL("alert.cancelDeliveries", `
	update delivery set state = 'cancelled', finished_at = $2
	where destination = $1 and state = 'waiting' and message <> $3`)

var listDeliveriesSQL = db.SQL("alert.listDeliveries", `
	select id, message, destination, type, title, state, status, error, attempts, created_at, not_before, finished_at
	from delivery
	where id < $1 and ($2 = '' or destination = $2) and ($3 = '' or state = $3)
	order by id desc
	limit $4`)

// Filter chooses deliveries. Empty fields choose all.
type Filter struct {
	Destination string
	State       DeliveryState
	Before      int64 // only older ones; 0 for the newest
	Limit       int
}

func listDeliveries(tx *db.Tx, f Filter) ([]Delivery, error) {
	if f.Before == 0 {
		f.Before = 1<<63 - 1
	}
	var all []Delivery
	err := tx.Query(listDeliveriesSQL, []any{f.Before, f.Destination, string(f.State), f.Limit}, func(rows *sql.Rows) error {
		d, err := scanDelivery(rows.Scan)
		all = append(all, d)
		return err
	})
	return all, err
}

var findDeliverySQL = db.SQL("alert.findDelivery", `
	select id, message, destination, type, title, state, status, error, attempts, created_at, not_before, finished_at
	from delivery
	where id = $1`)

func findDelivery(tx *db.Tx, id int64) (d Delivery, err error) {
	found := false
	err = tx.Query(findDeliverySQL, []any{id}, func(rows *sql.Rows) error {
		found = true
		d, err = scanDelivery(rows.Scan)
		return err
	})
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no delivery %d", id).WithCode("unknown_delivery")
	}
	return d, err
}

func scanDelivery(scan func(...any) error) (d Delivery, err error) {
	err = scan(&d.ID, &d.Message, &d.Destination, &d.Type, &d.Title, &d.State, &d.Status, &d.Error, &d.Attempts, &d.CreatedAt,
		&d.NotBefore, &d.FinishedAt)
	return d, err
}

var forgetDeliveries = db.SQL("alert.forgetDeliveries", `
	delete from delivery where created_at < $1 and state <> 'waiting'`)

var insertSeen = db.SQL("alert.insertSeen", `
	insert into hook_seen (key, at) values ($1, $2) on conflict (key) do nothing`)

var forgetSeen = db.SQL("alert.forgetSeen", `delete from hook_seen where at < $1`)
