package canon

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Kind says what a [Node] is.
type Kind uint8

// The kinds. Missing is the zero value: what was asked for is not there.
const (
	Missing Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// value is a node without its tree. Scalars are a span of text, containers a run of members.
type value struct {
	kind   Kind
	height uint8 // levels of containers, this one included; 0 for scalars
	span
	size uint32 // of containers: bytes in the source
}

// member is a value in a container. Items of arrays have no key.
type member struct {
	prefix uint64 // the first eight bytes of the key, most significant first
	key    span
	val    value
}

// memberBytes is the size of a member in memory.
const memberBytes = 40

// Tree holds one parsed document. It reuses its memory: nodes and bytes that it gave out are valid until
// the next Parse. A Tree serves one goroutine at a time; its zero value is ready.
type Tree struct {
	scanner
	stack   []member // members of containers that are still open
	members []member // members of closed containers
}

// Parse reads one document. The source must not change while the tree is in use. An error means that the
// source is not JSON (code bad_json) or nested without sense (too_deep); what is JSON but too deep or
// too large to be stored is reported by [Node.Err] of every node that holds it.
func (t *Tree) Parse(src []byte) (Node, error) {
	if len(src) > maxInput {
		return Node{}, syntaxError(maxInput, "it is too long")
	}
	t.reset(src)
	t.stack, t.members = t.stack[:0], t.members[:0]
	v, err := t.value(1)
	if err == nil {
		err = t.end()
	}
	if err != nil {
		return Node{}, err
	}
	return Node{t, v}, nil
}

// Memory is about how many bytes the tree holds on to.
func (t *Tree) Memory() int {
	return (cap(t.stack)+cap(t.members))*memberBytes + cap(t.scratch)
}

func (t *Tree) value(depth int) (value, error) {
	c := t.peek()
	if c != '{' && c != '[' {
		k, p, err := t.scalar(c)
		return value{kind: k, span: p}, err
	}
	start := t.pos
	if depth > parseDepth {
		err := t.skip()
		return value{
			kind: kindOf(c), height: 0xFF, size: uint32(t.pos - start),
			span: span{off: uint32(start), n: uint32(t.pos - start), flag: tooDeep},
		}, err
	}
	v, err := t.container(c, depth)
	v.size = uint32(t.pos - start)
	return v, err
}

func kindOf(open byte) Kind {
	if open == '{' {
		return Object
	}
	return Array
}

// container reads an array or object at its opening bracket.
func (t *Tree) container(open byte, depth int) (value, error) {
	t.pos++
	base := len(t.stack)
	closing := open + 2 // '[' and ']', '{' and '}' lie two apart
	if t.peek() == closing {
		t.pos++
		return t.seal(base, kindOf(open)), nil
	}
	for {
		m, err := t.member(open == '{', depth)
		if err != nil {
			return value{}, err
		}
		t.stack = append(t.stack, m)
		more, err := t.more(closing)
		if err != nil {
			return value{}, err
		}
		if !more {
			return t.seal(base, kindOf(open)), nil
		}
	}
}

func (t *Tree) member(keyed bool, depth int) (member, error) {
	var m member
	if keyed {
		key, err := t.key()
		if err != nil {
			return m, err
		}
		m.key, m.prefix = key, prefix(t.bytes(key))
	}
	v, err := t.value(depth + 1)
	m.val = v
	return m, err
}

// seal closes the container whose members lie on the stack from base on.
func (t *Tree) seal(base int, k Kind) value {
	open := t.stack[base:]
	if k == Object {
		open = t.sorted(open)
	}
	v := value{kind: k, height: 1, span: span{off: uint32(len(t.members)), n: uint32(len(open))}}
	for i := range open {
		v.take(&open[i].val)
	}
	t.members = append(t.members, open...)
	t.stack = t.stack[:base]
	return v
}

// take notes of a member what Node.Err must know of the whole.
func (v *value) take(m *value) {
	v.height = max(v.height, min(m.height, 0xFE)+1)
	v.flag |= m.flag & badNumber
}

// sorted orders members by key, bytewise, and drops all but the last of each key.
func (t *Tree) sorted(ms []member) []member {
	if len(ms) <= 24 {
		for i := 1; i < len(ms); i++ {
			for j := i; j > 0 && t.compare(&ms[j], &ms[j-1]) < 0; j-- {
				ms[j], ms[j-1] = ms[j-1], ms[j]
			}
		}
	} else {
		slices.SortStableFunc(ms, func(a, b member) int { return t.compare(&a, &b) })
	}
	n := 0
	for i := range ms {
		if i+1 < len(ms) && t.compare(&ms[i], &ms[i+1]) == 0 {
			continue
		}
		if n != i {
			ms[n] = ms[i]
		}
		n++
	}
	return ms[:n]
}

func (t *Tree) compare(a, b *member) int {
	if a.prefix != b.prefix {
		if a.prefix < b.prefix {
			return -1
		}
		return 1
	}
	return bytes.Compare(t.bytes(a.key), t.bytes(b.key))
}

func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var p uint64
	for i, c := range key {
		p |= uint64(c) << (56 - 8*i)
	}
	return p
}
