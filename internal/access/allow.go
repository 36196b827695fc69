package access

import (
	"slices"

	"cusp/internal/fault"
)

// Action is something that a principal may or may not do.
type Action string

// The actions. Every route names one.
const (
	ProbeHealth     Action = "health.probe"    // is the process alive and ready
	ReadSpec        Action = "spec.read"       // the OpenAPI document
	ReadMetrics     Action = "metrics.read"    // counters of the process
	SendEvents      Action = "events.send"     // the tracking API
	ReadLeads       Action = "leads.read"      // people, accounts, timelines, explanations, the ledger
	MergeLeads      Action = "leads.merge"     // merge and un-merge people
	ImportData      Action = "data.import"     // tables of people, accounts and events
	ExportData      Action = "data.export"     // everything stored
	ReadEvents      Action = "events.read"     // rejected events and sources
	ReplayEvents    Action = "events.replay"   // send a rejected event again
	JudgeEvents     Action = "events.judge"    // say that an event came from a human or a bot
	ReadPlaybooks   Action = "playbooks.read"  // also checking and comparing drafts
	PublishPlaybook Action = "playbooks.write" // make a playbook decide
	ReadStatus      Action = "status.read"     // state of the installation
	ManageKeys      Action = "keys.manage"     // list, create and revoke keys
	AnswerHandoffs  Action = "handoffs.answer" // accept, contact, reject, recycle, qualify, disqualify: reps their own
	AssignHandoffs  Action = "handoffs.assign" // give a handoff to somebody else
)

// rule is who may do something.
type rule struct {
	action Action
	anyone bool   // also without a key
	write  bool   // write keys
	scope  Scope  // the weakest scope of API keys; empty: none
	roles  []Role // signed-in people
}

// everyone, team and so on are the groups of roles that rules speak of.
var (
	everyone = []Role{RoleAdmin, RoleOps, RoleMarketing, RoleSalesManager, RoleRep, RoleViewer}
	team     = []Role{RoleAdmin, RoleOps, RoleMarketing, RoleSalesManager, RoleRep}
	leaders  = []Role{RoleAdmin, RoleOps, RoleMarketing, RoleSalesManager}
	makers   = []Role{RoleAdmin, RoleOps, RoleMarketing}
	ops      = []Role{RoleAdmin, RoleOps}
	admins   = []Role{RoleAdmin}
	sellers  = []Role{RoleAdmin, RoleSalesManager, RoleRep}
	bosses   = []Role{RoleAdmin, RoleSalesManager}
)

// rules is the whole of authorization. An action that is not listed is allowed to nobody.
var rules = []rule{
	{ProbeHealth, true, false, ScopeRead, everyone},
	{ReadSpec, true, false, ScopeRead, everyone},
	{ReadMetrics, false, false, ScopeRead, ops},
	{SendEvents, false, true, "", nil},
	{ReadLeads, false, false, ScopeRead, everyone},
	{MergeLeads, false, false, ScopeWrite, leaders},
	{ImportData, false, false, ScopeWrite, makers},
	{ExportData, false, false, ScopeAdmin, ops},
	{ReadEvents, false, false, ScopeRead, makers},
	{ReplayEvents, false, false, ScopeWrite, ops},
	{JudgeEvents, false, false, ScopeWrite, team},
	{ReadPlaybooks, false, false, ScopeRead, everyone},
	{PublishPlaybook, false, false, ScopeAdmin, ops},
	{ReadStatus, false, false, ScopeRead, everyone},
	{ManageKeys, false, false, ScopeAdmin, admins},
	{AnswerHandoffs, false, false, ScopeWrite, sellers},
	{AssignHandoffs, false, false, ScopeWrite, bosses},
}

// Actions are all actions, in the order of the table.
func Actions() []Action {
	out := make([]Action, len(rules))
	for i, r := range rules {
		out[i] = r.action
	}
	return out
}

// Allow says whether a principal may do something. It answers [fault.Unauthentic] to those who should
// show another credential and [fault.Denied] to those who are known and not allowed.
func Allow(p Principal, a Action) error {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.action == a })
	if i < 0 {
		return fault.New(fault.Denied, "nobody may do %q", a).WithCode("unknown_action")
	}
	if rules[i].permits(p) {
		return nil
	}
	return refusal(p, rules[i])
}

func (r rule) permits(p Principal) bool {
	switch p.Kind {
	case Owner:
		return r.action != SendEvents
	case API:
		return r.anyone || r.scope != "" && slices.ContainsFunc(p.Scopes, func(s Scope) bool {
			return rank(s) >= rank(r.scope)
		})
	case User:
		return r.anyone || slices.Contains(r.roles, p.Role)
	case Write:
		return r.anyone || r.write
	case Anonymous:
	}
	return r.anyone
}

// rank is how strong a scope is; -1 for one that does not exist.
func rank(s Scope) int { return slices.Index(Scopes(), s) }

func refusal(p Principal, r rule) error {
	switch p.Kind {
	case Write:
		return fault.New(fault.Unauthentic, "a write key only sends events").WithCode("write_key_reads_nothing").
			WithHint("make an API key: cusp key create --kind api --name NAME")
	case API:
		if r.scope == "" {
			return fault.New(fault.Unauthentic, "an API key cannot do this").WithCode("wrong_key_kind").
				WithHint("make a write key: cusp key create --kind write --name NAME")
		}
		return fault.New(fault.Denied, "this API key lacks the scope %q", r.scope).WithCode("scope_missing").
			WithHint("make one that has it: cusp key create --kind api --scopes %s --name NAME", r.scope)
	case User:
		return fault.New(fault.Denied, "the role %q may not do this", p.Role).WithCode("role_missing").
			WithHint("ask an administrator")
	case Anonymous, Owner:
	}
	return fault.New(fault.Unauthentic, "this needs an API key").WithCode("unauthenticated").
		WithHint("send the header Authorization: Bearer KEY; make a key with cusp key create --kind api --name NAME")
}
