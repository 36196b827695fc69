package ingest

import (
	"database/sql"
	"maps"
	"slices"

	"cusp/internal/db"
	"cusp/internal/lead"
)

var (
	addCount = db.SQL("ingest.addCount", `insert into source_count
		(source_id, shard, received, accepted, duplicate, rejected, conflict, last_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (source_id, shard) do update set
			received = source_count.received + excluded.received, accepted = source_count.accepted + excluded.accepted,
			duplicate = source_count.duplicate + excluded.duplicate, rejected = source_count.rejected + excluded.rejected,
			conflict = source_count.conflict + excluded.conflict,
			last_at = case when excluded.last_at > source_count.last_at then excluded.last_at else source_count.last_at end`)
	sumCounts = db.SQL("ingest.sumCounts", `select source_id, cast(sum(received) as bigint), cast(sum(accepted) as bigint),
		cast(sum(duplicate) as bigint), cast(sum(rejected) as bigint), cast(sum(conflict) as bigint), max(last_at)
		from source_count group by source_id order by source_id`)
)

// shards is how many rows a source's account is spread over, so that servers that write at the same time
// seldom wait for each other's commit.
const shards = 16

// Count adds to a source's account. It belongs into the transaction that stores the events, at its end.
func Count(tx *db.Tx, source lead.SourceID, c Counts) error {
	shard := int64(c.At) & (shards - 1)
	_, err := tx.Exec(addCount, int64(source), shard, c.Received, c.Accepted, c.Duplicate, c.Rejected, c.Conflict, int64(c.At))
	return err
}

func countAll(tx *db.Tx, conflicts map[lead.SourceID]int64, events []lead.Event) error {
	for _, source := range slices.Sorted(maps.Keys(conflicts)) {
		if err := Count(tx, source, Counts{At: events[0].ReceivedAt, Conflict: conflicts[source]}); err != nil {
			return err
		}
	}
	return nil
}

// Accounts is what was received from each source so far. Counts.At is when it last sent something.
func Accounts(tx *db.Tx) (map[lead.SourceID]Counts, error) {
	accounts := map[lead.SourceID]Counts{}
	err := tx.Query(sumCounts, nil, func(rows *sql.Rows) error {
		var source lead.SourceID
		var c Counts
		err := rows.Scan(&source, &c.Received, &c.Accepted, &c.Duplicate, &c.Rejected, &c.Conflict, &c.At)
		accounts[source] = c
		return err
	})
	return accounts, err
}
