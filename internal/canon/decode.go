package canon

import "strconv"

// Decode reads an object into a map, as conditions see it: numbers are float64, of a repeated key the
// last one counts. The map shares no memory with body. Faults: bad_json, too_deep, bad_number; Invalid
// when the document is no object.
func Decode(body []byte) (map[string]any, error) {
	d := decoder{}
	d.reset(body)
	if d.peek() != '{' {
		return nil, d.unexpected("an object")
	}
	v, err := d.value(1)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, err
	}
	object, _ := v.(map[string]any)
	return object, nil
}

// decoder builds Go values without a tree in between.
type decoder struct{ scanner }

func (d *decoder) value(depth int) (any, error) {
	c := d.peek()
	if c == '{' || c == '[' {
		if depth > MaxDepth {
			return nil, ErrTooDeep
		}
		d.pos++
		if c == '{' {
			return d.object(depth)
		}
		return d.array(depth)
	}
	d.scratch = d.scratch[:0]
	k, p, err := d.scalar(c)
	if err != nil {
		return nil, err
	}
	switch k {
	case True, False:
		return k == True, nil
	case String:
		return string(d.bytes(p)), nil
	case Number:
		f, err := strconv.ParseFloat(string(d.bytes(p)), 64)
		if err != nil {
			return nil, ErrBadNumber
		}
		return f, nil
	case Missing, Null, Array, Object:
	}
	return nil, nil
}

func (d *decoder) object(depth int) (any, error) {
	object := map[string]any{}
	if d.peek() == '}' {
		d.pos++
		return object, nil
	}
	for {
		d.scratch = d.scratch[:0]
		p, err := d.key()
		if err != nil {
			return nil, err
		}
		key := string(d.bytes(p))
		if object[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		more, err := d.more('}')
		if err != nil || !more {
			return object, err
		}
	}
}

func (d *decoder) array(depth int) (any, error) {
	array := []any{}
	if d.peek() == ']' {
		d.pos++
		return array, nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		more, err := d.more(']')
		if err != nil || !more {
			return array, err
		}
	}
}

// Lookup is the canonical text of a member of a canonical object, without parsing what lies around it;
// nil when there is none. It must only be given what [Node.Append] wrote.
func Lookup(object []byte, key string) []byte {
	s := scanner{src: object}
	if s.peek() != '{' {
		return nil
	}
	for s.pos++; s.pos < len(object) && object[s.pos] == '"'; s.pos++ {
		start := s.pos
		s.quoted()
		name := object[start+1 : s.pos-1]
		s.pos++ // the colon
		from := s.pos
		s.over()
		if string(name) == key {
			return object[from:s.pos:s.pos]
		}
	}
	return nil
}

// quoted moves behind a string at its opening quote.
func (s *scanner) quoted() {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		s.pos = s.plain(s.pos)
		if s.pos >= len(s.src) {
			return
		}
		switch s.src[s.pos] {
		case '"':
			s.pos++
			return
		case '\\':
			s.pos++
		}
	}
}

// over moves behind a value of a canonical document.
func (s *scanner) over() {
	for depth := 0; s.pos < len(s.src); {
		switch s.src[s.pos] {
		case '"':
			s.quoted()
			if depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				s.pos++
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		s.pos++
	}
}
