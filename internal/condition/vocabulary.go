package condition

// TraitType is the type of a standard trait.
type TraitType uint8

// The types that standard traits have. Traits outside the vocabulary are custom and may hold anything.
const (
	TextTrait TraitType = iota
	NumberTrait
	ListTrait // a list of text
	MapTrait  // anything below, such as event.properties
)

var traitTypeNames = [...]string{"text", "number", "list of text", "mapping"}

// String is the type as messages name it.
func (t TraitType) String() string { return traitTypeNames[t] }

// Trait is a trait that the product itself fills or that every CRM knows, and so has a known type.
type Trait struct {
	Name string // without its root: "employees"
	Type TraitType
}

// PersonTraits are the standard traits under `person`.
func PersonTraits() []Trait {
	return texts("anonymous_id", "buying_role", "city", "company", "country", "department", "email",
		"email_domain", "first_name", "language", "last_name", "linkedin", "name", "phone", "postal_code",
		"region", "seniority", "timezone", "title", "user_id", "website")
}

// AccountTraits are the standard traits under `account`.
func AccountTraits() []Trait {
	return append(texts("city", "country", "domain", "group_id", "industry", "language", "linkedin", "name",
		"phone", "plan", "postal_code", "region", "timezone", "type", "website"),
		Trait{"employees", NumberTrait}, Trait{"founded", NumberTrait}, Trait{"revenue", NumberTrait},
		Trait{"technologies", ListTrait})
}

// EventTraits are what a condition may read under `event`.
func EventTraits() []Trait {
	return append(texts("name", "path", "text", "type"),
		Trait{"context", MapTrait}, Trait{"properties", MapTrait}, Trait{"traits", MapTrait})
}

func texts(names ...string) []Trait {
	traits := make([]Trait, len(names))
	for i, n := range names {
		traits[i] = Trait{n, TextTrait}
	}
	return traits
}

func traitNames(traits []Trait) []string {
	names := make([]string, len(traits))
	for i, t := range traits {
		names[i] = t.Name
	}
	return names
}
