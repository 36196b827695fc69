package canon

import (
	"cmp"
	"slices"
)

// Node is a value in a [Tree]. The zero Node is Missing, and so is whatever is looked up in it.
type Node struct {
	t *Tree
	v value
}

// Kind says what the node is.
func (n Node) Kind() Kind { return n.v.kind }

// Err is [ErrTooDeep] or [ErrBadNumber] when the node holds something that is not stored, else nil.
func (n Node) Err() error {
	if n.v.height > MaxDepth {
		return ErrTooDeep
	}
	if n.v.flag&badNumber != 0 {
		return ErrBadNumber
	}
	return nil
}

// Size is how many bytes an array or object took in the source; 0 for what was not parsed.
func (n Node) Size() int { return int(n.v.size) }

// Len is the number of members of an array or object.
func (n Node) Len() int { return len(n.members()) }

func (n Node) members() []member {
	if n.v.kind < Array || n.v.flag&tooDeep != 0 {
		return nil
	}
	return n.t.members[n.v.off : n.v.off+n.v.n : n.v.off+n.v.n]
}

// At is the i-th member, in the order of the source in an array, in the order of keys in an object.
func (n Node) At(i int) Node { return Node{n.t, n.members()[i].val} }

// Key is the key of the i-th member of an object.
func (n Node) Key(i int) []byte { return n.t.bytes(n.members()[i].key) }

// Get is the member of an object at a path of keys; Missing when there is none.
func (n Node) Get(path ...string) Node {
	for _, key := range path {
		i, ok := n.find(key)
		if !ok {
			return Node{}
		}
		n.v = n.members()[i].val
	}
	return n
}

func (n Node) find(key string) (int, bool) {
	if n.v.kind != Object {
		return 0, false
	}
	p := prefixOf(key)
	return slices.BinarySearchFunc(n.members(), key, func(m member, key string) int {
		if m.prefix != p {
			return cmp.Compare(m.prefix, p)
		}
		return cmp.Compare(string(n.t.bytes(m.key)), key)
	})
}

func prefixOf(key string) uint64 {
	var p uint64
	for i := range min(len(key), 8) {
		p |= uint64(key[i]) << (56 - 8*i)
	}
	return p
}

// Bytes is the text of a string, or the digits of a number as they were sent; nil for all else. It lies in
// the tree's memory.
func (n Node) Bytes() []byte {
	if n.v.kind != String && n.v.kind != Number {
		return nil
	}
	return n.t.bytes(n.v.span)
}

// Text is [Node.Bytes] as a string of its own; "" for what has no text.
func (n Node) Text() string { return string(n.Bytes()) }

// Object is an object without members, to be filled by [Tree.With].
func (t *Tree) Object() Node { return Node{t, value{kind: Object, height: 1}} }

// String makes a string node. The text is repaired as parsed text is.
func (t *Tree) String(text string) Node {
	return Node{t, value{kind: String, span: t.keep(text)}}
}

func (t *Tree) keep(text string) span {
	off := len(t.scratch)
	for _, r := range text {
		if r == 0 {
			r = '\uFFFD'
		}
		t.scratch = append(t.scratch, string(r)...)
	}
	return span{off: uint32(off), n: uint32(len(t.scratch) - off), flag: inScratch}
}

// With is an object with a member set. What is no object counts as an empty one; a missing value takes
// the member away.
func (t *Tree) With(object Node, key string, val Node) Node {
	if object.v.kind != Object {
		object = t.Object()
	}
	old := object.members()
	i, found := object.find(key)
	rest := i
	if found {
		rest++
	}
	off := len(t.members)
	t.members = append(t.members, old[:i]...)
	if val.v.kind != Missing {
		t.members = append(t.members, member{prefix: prefixOf(key), key: t.keep(key), val: val.v})
	}
	t.members = append(t.members, old[rest:]...)
	return object.rebuilt(off)
}

// Merge is the object with those members of other that it lacks. What is no object counts as an empty one.
func (n Node) Merge(other Node) Node {
	if other.v.kind != Object || other.Len() == 0 {
		return n
	}
	if n.v.kind != Object || n.Len() == 0 {
		return other
	}
	t := n.t
	a, b := n.members(), other.members()
	off := len(t.members)
	for len(a) > 0 && len(b) > 0 {
		c := t.compare(&a[0], &b[0])
		if c <= 0 {
			t.members = append(t.members, a[0])
			a = a[1:]
		} else {
			t.members = append(t.members, b[0])
		}
		if c >= 0 {
			b = b[1:]
		}
	}
	t.members = append(append(t.members, a...), b...)
	return n.rebuilt(off)
}

// rebuilt is the object whose members lie from off on. It keeps the size that it had in the source.
func (n Node) rebuilt(off int) Node {
	v := value{kind: Object, height: 1, size: n.v.size, span: span{off: uint32(off), n: uint32(len(n.t.members) - off)}}
	for i := range n.t.members[off:] {
		v.take(&n.t.members[off+i].val)
	}
	return Node{n.t, v}
}
