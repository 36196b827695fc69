package playbook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/canon"
	"cusp/internal/condition"
)

// hashOf is the SHA-256 of the document's meaning as canonical JSON: keys sorted, numbers in shortest
// form, no comments and no formatting. YAML and JSON of the same content hash alike.
func hashOf(root *yaml.Node) string {
	plain := appendJSON(nil, root)
	canonical, err := canon.Append(nil, plain)
	if err != nil { // cannot be: appendJSON writes JSON within the bounds of canon
		canonical = plain
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

func appendJSON(b []byte, n *yaml.Node) []byte {
	open, shut := byte('['), byte(']')
	if n.Kind == yaml.MappingNode {
		open, shut = '{', '}'
	} else if n.Kind != yaml.SequenceNode {
		return appendScalar(b, n)
	}
	b = append(b, open)
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 1:
			b = append(b, ':')
		case i > 0:
			b = append(b, ',')
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			b = canon.AppendString(b, c.Value) // keys are text, whatever they look like
			continue
		}
		b = appendJSON(b, c)
	}
	return append(b, shut)
}

func appendScalar(b []byte, n *yaml.Node) []byte {
	switch n.ShortTag() {
	case "!!int", "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return append(b, condition.FormatNumber(v)...)
		}
	case "!!bool":
		return append(b, strings.ToLower(n.Value)...)
	case "!!null":
		return append(b, "null"...)
	}
	return canon.AppendString(b, n.Value)
}
