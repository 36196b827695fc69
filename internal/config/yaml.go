package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// yaml reads a settings file: one mapping from option names to plain values.
func (l *loader) yaml(name string, text []byte, options []Option) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		l.mistake(name, err.Error())
		return
	}
	if len(doc.Content) == 0 { // empty, or only comments
		return
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		l.mistake(fmt.Sprintf("%s:%d", name, root.Line), "write one option a line, such as addr: 127.0.0.1:8787")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, v := root.Content[i], root.Content[i+1]
		where := fmt.Sprintf("%s:%d", name, key.Line)
		switch {
		case !slices.ContainsFunc(options, func(o Option) bool { return o.Name == key.Value }):
			l.unknown = true
			l.mistake(where, fmt.Sprintf("there is no option %q%s", key.Value, suggest(key.Value, options)))
		case seen[key.Value]:
			l.mistake(where, key.Value+" stands here for the second time")
		case v.Kind != yaml.ScalarNode:
			l.mistake(where, key.Value+" must be one plain value")
		case v.Tag == "!!null":
			l.mistake(where, key.Value+" has no value; write one, or take the line away")
		default:
			l.values[key.Value] = value{v.Value, where}
		}
		seen[key.Value] = true
	}
}
