package table

import (
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// ParseMapping reads a mapping file. All problems are returned at once, as [fault.Problems] with file,
// line and column; name is how they call the file. The kind is the one that is being imported.
func ParseMapping(name string, text []byte, kind Kind) (*Mapping, error) {
	m := &Mapping{Kind: kind, zone: time.UTC, empty: map[string]bool{}, doc: &document{file: name}}
	if root := m.doc.root(text); root != nil {
		m.read(root)
	}
	m.doc.problems.Sort()
	if err := m.doc.problems.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Mapping) read(root *yaml.Node) {
	d := m.doc
	var version, fields, also *yaml.Node
	d.keys(root, map[string]func(key, value *yaml.Node){
		"mapping": func(_, v *yaml.Node) { version = v },
		"kind": func(_, v *yaml.Node) {
			if k := Kind(d.text(v)); k != m.Kind {
				d.at(v, "wrong_kind", "", "this mapping is for %s, but %s are being imported", k, m.Kind)
			}
		},
		"delimiter": func(_, v *yaml.Node) { m.readDelimiter(v) },
		"encoding":  func(_, v *yaml.Node) { m.readEncoding(v) },
		"zone":      func(_, v *yaml.Node) { m.zone = d.zone(v) },
		"empty": func(_, v *yaml.Node) {
			for _, text := range d.texts(v) {
				m.empty[text] = true
			}
		},
		"rest":   func(_, v *yaml.Node) { m.keepRest = d.oneOf(v, "keep", "drop") == "keep" },
		"fields": func(_, v *yaml.Node) { fields = v },
		"also":   func(_, v *yaml.Node) { also = v },
	})
	if version == nil || version.Value != "1" {
		d.problem(1, 1, "version", "write \"mapping: 1\" at the top", "the version of the format is missing or unknown")
	}
	if fields == nil {
		d.problem(1, 1, "missing_key", "", "the key \"fields\" is missing")
		return
	}
	m.fields = m.readFields(fields, m.Kind)
	if also != nil {
		m.readAlso(also)
	}
}

func (m *Mapping) readDelimiter(n *yaml.Node) {
	var err error
	if m.Delimiter, err = checkDelimiter(m.doc.text(n)); err != nil {
		m.doc.at(n, "bad_delimiter", `write one of "," ";" "|" or tab`, "%q cannot separate cells", n.Value)
	}
}

func (m *Mapping) readEncoding(n *yaml.Node) {
	switch e := strings.ToLower(m.doc.oneOf(n, "utf-8", "utf-16le", "utf-16be", "latin1", "windows-1252")); e {
	case "latin1":
		m.Encoding = Western
	default:
		m.Encoding = Encoding(e)
	}
}

func (m *Mapping) readAlso(n *yaml.Node) {
	d := m.doc
	if n.Kind != yaml.SequenceNode {
		d.at(n, "wrong_type", "", "a list of events belongs here")
		return
	}
	for _, item := range n.Content {
		var e mappedEvent
		d.keys(item, map[string]func(key, value *yaml.Node){
			"event":  func(_, v *yaml.Node) { e.name = d.text(v) },
			"fields": func(_, v *yaml.Node) { e.fields = m.readFields(v, Events) },
		})
		if e.name == "" {
			d.at(item, "missing_key", "write \"event: First Contact\", say", "the event has no name")
		}
		if !hasTarget(e.fields, "timestamp") {
			d.at(item, "missing_key", "map the field \"time\" to a column", "the event has no time")
		}
		m.also = append(m.also, e)
	}
}

func hasTarget(fields []field, name string) bool {
	for _, f := range fields {
		if f.target.String() == name {
			return true
		}
	}
	return false
}

func (m *Mapping) readFields(n *yaml.Node, kind Kind) []field {
	var fields []field
	m.doc.pairs(n, func(key, value *yaml.Node) {
		f := field{line: value.Line, column: value.Column}
		t, wrong := parseTarget(kind, key.Value)
		if wrong != nil {
			m.doc.at(key, "unknown_field", wrong.Hint, "%s", wrong.Message)
			return
		}
		f.target = t
		m.readField(&f, value)
		for _, other := range fields {
			if overlaps(other.target, f.target) {
				m.doc.at(key, "duplicate_field", "", "%q and %q cannot both be set", other.target, f.target)
			}
		}
		fields = append(fields, f)
	})
	return fields
}

// overlaps reports whether one path is the other or leads into it.
func overlaps(a, b target) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// readField reads the name of a column, or a mapping that says more.
func (m *Mapping) readField(f *field, n *yaml.Node) {
	d := m.doc
	if f.target.String() == "timestamp" {
		f.date = &dateFormat{word: "iso"}
	}
	if n.Kind == yaml.ScalarNode {
		f.columns = []string{d.text(n)}
		return
	}
	ways := 0
	d.keys(n, map[string]func(key, value *yaml.Node){
		"column":   func(_, v *yaml.Node) { f.columns, ways = []string{d.text(v)}, ways+1 },
		"first_of": func(_, v *yaml.Node) { f.columns, ways = d.texts(v), ways+1 },
		"constant": func(_, v *yaml.Node) { f.constant, ways = d.scalar(v), ways+1 },
		"template": func(_, v *yaml.Node) { f.template, ways = d.template(v), ways+1 },
		"lower":    func(_, v *yaml.Node) { f.lower = d.flag(v) },
		"values":   func(_, v *yaml.Node) { f.values = d.values(v) },
		"else":     func(_, v *yaml.Node) { f.valElse = d.scalar(v) },
		"number":   func(_, v *yaml.Node) { f.number = d.number(v) },
		"date":     func(_, v *yaml.Node) { f.date = d.date(v) },
		"zone":     func(_, v *yaml.Node) { f.zone = d.zone(v) },
		"boolean":  func(_, v *yaml.Node) { f.boolean = d.flag(v) },
		"default":  func(_, v *yaml.Node) { f.fallback = d.scalar(v) },
		"required": func(_, v *yaml.Node) { f.required = d.flag(v) },
	})
	if ways != 1 {
		d.at(n, "no_way", "", "say exactly one of column, first_of, template, constant")
	}
	if f.number != nil && f.date != nil || f.boolean && (f.number != nil || f.date != nil) {
		d.at(n, "two_types", "", "a value is a number, a date or a truth value, not two of them")
	}
}

func (d *document) oneOf(n *yaml.Node, names ...string) string {
	text := d.text(n)
	for _, name := range names {
		if strings.EqualFold(text, name) {
			return name
		}
	}
	d.at(n, "bad_value", "write one of "+strings.Join(names, ", "), "%q is not known here", n.Value)
	return ""
}

func (d *document) zone(n *yaml.Node) *time.Location {
	zone, err := time.LoadLocation(d.text(n))
	if err != nil || n.Value == "" || n.Value == "Local" {
		d.at(n, "bad_zone", "write a name such as Europe/Berlin or UTC", "%q is not a known time zone", n.Value)
		return time.UTC
	}
	return zone
}

func (d *document) number(n *yaml.Node) *numberFormat {
	f, ok := parseNumberFormat(d.text(n))
	if !ok {
		d.at(n, "bad_number_format", "write "+numberSamples, "%q is not a known form of numbers", n.Value)
	}
	return &f
}

func (d *document) date(n *yaml.Node) *dateFormat {
	f, err := parseDateFormat(d.text(n))
	if err != nil {
		d.at(n, "bad_date_format", "write "+dateWords, "%v", err)
	}
	return &f
}

// values reads the table that replaces what is found.
func (d *document) values(n *yaml.Node) map[string]any {
	values := map[string]any{}
	d.pairs(n, func(key, value *yaml.Node) { values[key.Value] = d.scalar(value) })
	return values
}

// template reads text with columns in braces: "olist-{mql_id}".
func (d *document) template(n *yaml.Node) []piece {
	var pieces []piece
	rest := d.text(n)
	for rest != "" {
		text, after, open := strings.Cut(rest, "{")
		if text != "" {
			pieces = append(pieces, piece{text: text})
		}
		if !open {
			break
		}
		column, tail, closed := strings.Cut(after, "}")
		if !closed || strings.TrimSpace(column) == "" {
			d.at(n, "bad_template", "", "a brace is not closed or holds no column")
			return pieces
		}
		pieces = append(pieces, piece{text: strings.TrimSpace(column), column: true})
		rest = tail
	}
	return pieces
}
