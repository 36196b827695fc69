package playbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// hashOf is the SHA-256 of the document's meaning as canonical JSON: keys sorted, numbers in shortest
// form, no comments and no formatting. YAML and JSON of the same content hash alike.
func hashOf(root *yaml.Node) string {
	var b bytes.Buffer
	encode(&b, root)
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

func encode(b *bytes.Buffer, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		encodeMapping(b, n)
		return
	}
	if n.Kind != yaml.SequenceNode {
		b.WriteString(encodeScalar(n))
		return
	}
	b.WriteByte('[')
	for i, c := range n.Content {
		if i > 0 {
			b.WriteByte(',')
		}
		encode(b, c)
	}
	b.WriteByte(']')
}

func encodeMapping(b *bytes.Buffer, n *yaml.Node) {
	type pair struct{ key, value *yaml.Node }
	pairs := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key.Value, b.key.Value) })
	b.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoted(p.key.Value))
		b.WriteByte(':')
		encode(b, p.value)
	}
	b.WriteByte('}')
}

func encodeScalar(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int", "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return formatNumber(v)
		}
	case "!!bool":
		return strings.ToLower(n.Value)
	case "!!null":
		return "null"
	}
	return quoted(n.Value)
}

func quoted(s string) string {
	out, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return strconv.Quote(s)
	}
	return string(out)
}
