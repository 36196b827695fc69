package db

// Attach keeps a value beside the database under a key of the caller's own type, replacing what was
// there. A package whose functions are called with a transaction finds its running part this way, as the
// queue does to wake its loop, without a variable for the whole process.
func (d *DB) Attach(key, value any) { d.beside.Store(key, value) }

// Attached is the value that [DB.Attach] keeps under the key beside the transaction's database; nil when
// there is none.
func (t *Tx) Attached(key any) any {
	v, _ := t.db.beside.Load(key)
	return v
}
