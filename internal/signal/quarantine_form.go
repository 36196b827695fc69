package signal

import (
	"strings"

	"cusp/internal/lead"
)

// SentForm says whether an event reports a form that somebody sent.
func SentForm(e *lead.Event) bool {
	return e.Type == lead.Track && (formNames[e.Name] || strings.Contains(e.Name, "Form"))
}

// Network is the address that an event says it came from; empty when it says none.
func Network(e *lead.Event) string { return textIfNamed(lookupIfNamed(e.Body, "context"), "ip") }
