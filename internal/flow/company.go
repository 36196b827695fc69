package flow

import (
	"maps"

	"cusp/internal/identity"
)

// company is what is known of the account: its own facts, and where those are silent what the person
// said of it and what the e-mail address shows.
func (l *Lead) company() map[string]any {
	if l.employer == nil {
		l.employer = identity.Hints(l.Person.Map())
		maps.Copy(l.employer, l.Company.Map())
	}
	return l.employer
}
