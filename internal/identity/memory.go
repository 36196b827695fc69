package identity

import (
	"cusp/internal/db"
	"cusp/internal/lead"
)

// memorySize is how many profiles a [Memory] keeps before it begins anew.
const memorySize = 200_000

// Memory remembers the profiles that events named lately, so that known people are resolved without
// asking the database. It is for the one writer of a database that no other process writes, and for one
// goroutine at a time.
type Memory struct {
	nodes map[Reference]node
}

// NewMemory remembers nothing yet.
func NewMemory() *Memory { return &Memory{nodes: map[Reference]node{}} }

// Resolve is [Resolve] with what is remembered. A transaction that fails is not remembered.
func (m *Memory) Resolve(tx *db.Tx, events []lead.Event) (Resolution, error) {
	b := newBatch(tx, events)
	b.memory = m
	res, err := b.resolve(events)
	if err == nil {
		tx.OnCommit(func() { m.learn(b.nodes) })
	}
	return res, err
}

// learn takes in what a committed transaction knows of the profiles that it read.
func (m *Memory) learn(nodes map[lead.ProfileID]*node) {
	if len(m.nodes)+len(nodes) > memorySize {
		clear(m.nodes)
	}
	for _, n := range nodes {
		kept := *n
		kept.fresh, kept.dirty = false, false
		m.nodes[Reference{Kind: n.Kind, Value: n.Value}] = kept
	}
}

// recall is the profile of an identifier as it was stored last; nil when it is not remembered.
func (m *Memory) recall(r Reference) *node {
	if m == nil {
		return nil
	}
	n, ok := m.nodes[r]
	if !ok {
		return nil
	}
	return &n
}
