package table

import (
	"strings"

	"cusp/internal/fault"
)

// Kind is what the rows of a table are about.
type Kind string

// The kinds that can be imported.
const (
	People   Kind = "people"
	Accounts Kind = "accounts"
	Events   Kind = "events"
)

// Kinds are the kinds that can be imported, in the order in which help prints them.
func Kinds() []Kind { return []Kind{People, Accounts, Events} }

// ParseKind reads the name of a kind. The kinds that speak of outcomes are known and refused as
// [fault.Unsupported]; any other name is [fault.Invalid].
func ParseKind(name string) (Kind, error) {
	switch k := Kind(name); k {
	case People, Accounts, Events:
		return k, nil
	case "opportunities", "dispositions", "spend":
		return "", fault.New(fault.Unsupported, "importing %s arrives with outcomes, which this release does not have yet", name).
			WithCode("kind_not_yet").WithField("kind").
			WithHint("keep the file; %s can be imported today", kindList())
	}
	return "", fault.New(fault.Invalid, "%q is not a kind of table", name).
		WithCode("unknown_kind").WithField("kind").WithHint("write one of %s", kindList())
}

func kindList() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
