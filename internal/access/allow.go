package access

import (
	"slices"

	"cusp/internal/fault"
)

// Action is something that a principal may or may not do.
type Action string

// The actions. Every route names one.
const (
	ProbeHealth        Action = "health.probe"    // is the process alive and ready
	ReadSpec           Action = "spec.read"       // the OpenAPI document
	ReadMetrics        Action = "metrics.read"    // counters of the process
	SendEvents         Action = "events.send"     // the tracking API
	QualifyForms       Action = "forms.qualify"   // send a form and be told what to show the visitor
	ReceiveHooks       Action = "hooks.receive"   // webhooks of other products: their signature is the credential
	ReadLeads          Action = "leads.read"      // people, accounts, timelines, explanations, the ledger
	MergeLeads         Action = "leads.merge"     // merge and un-merge people
	ImportData         Action = "data.import"     // tables of people, accounts and events
	ExportData         Action = "data.export"     // everything stored
	ReadEvents         Action = "events.read"     // rejected events and sources
	ReplayEvents       Action = "events.replay"   // send a rejected event again
	JudgeEvents        Action = "events.judge"    // say that an event came from a human or a bot
	ReadPlaybooks      Action = "playbooks.read"  // also checking and comparing drafts
	PublishPlaybook    Action = "playbooks.write" // make a playbook decide
	ReadStatus         Action = "status.read"     // state of the installation
	ManageKeys         Action = "keys.manage"     // list, create and revoke keys
	OpenSession        Action = "session.open"    // sign in with a password
	UseSession         Action = "session.use"     // who am I, sign out
	ReadUsers          Action = "users.read"      // colleagues, teams and absences
	ManageUsers        Action = "users.manage"    // add and change users, set passwords
	SetPassword        Action = "users.password"  // set a password: one's own, or anybody's
	ManageTeams        Action = "teams.manage"    // add teams, change who is in them
	ManageAbsences     Action = "absences.manage" // say who is away
	ReadAudit          Action = "audit.read"      // read and verify the audit log
	ManageDestinations Action = "alerts.manage"   // destinations of messages, their log, sending again
	AnswerHandoffs     Action = "handoffs.answer" // accept, contact, reject, recycle, qualify, disqualify: reps their own
	AssignHandoffs     Action = "handoffs.assign" // give a handoff to somebody else
)

// rule is who may do something.
type rule struct {
	action Action
	anyone bool            // also without a key
	write  bool            // write keys
	scope  Scope           // the weakest scope of API keys; empty: none
	roles  []Role          // signed-in people
	limits map[Role]Extent // roles that may only for some; nil: whoever may, may for all
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
	{ProbeHealth, true, false, ScopeRead, everyone, nil},
	{ReadSpec, true, false, ScopeRead, everyone, nil},
	{ReadMetrics, false, false, ScopeRead, ops, nil},
	{SendEvents, false, true, "", nil, nil},
	{QualifyForms, false, true, ScopeWrite, team, nil},
	{ReceiveHooks, true, false, ScopeRead, everyone, nil},
	{ReadLeads, false, false, ScopeRead, everyone, nil},
	{MergeLeads, false, false, ScopeWrite, leaders, nil},
	{ImportData, false, false, ScopeWrite, makers, nil},
	{ExportData, false, false, ScopeAdmin, ops, nil},
	{ReadEvents, false, false, ScopeRead, makers, nil},
	{ReplayEvents, false, false, ScopeWrite, ops, nil},
	{JudgeEvents, false, false, ScopeWrite, team, nil},
	{ReadPlaybooks, false, false, ScopeRead, everyone, nil},
	{PublishPlaybook, false, false, ScopeAdmin, ops, nil},
	{ReadStatus, false, false, ScopeRead, everyone, nil},
	{ManageKeys, false, false, ScopeAdmin, admins, nil},
	{OpenSession, true, false, ScopeRead, everyone, nil},
	{UseSession, false, false, ScopeRead, everyone, nil},
	{ReadUsers, false, false, ScopeRead, everyone, nil},
	{ManageUsers, false, false, ScopeAdmin, admins, nil},
	{SetPassword, false, false, ScopeAdmin, everyone, map[Role]Extent{
		RoleOps: Own, RoleMarketing: Own, RoleSalesManager: Own, RoleRep: Own, RoleViewer: Own,
	}},
	{ManageTeams, false, false, ScopeAdmin, ops, nil},
	{ManageAbsences, false, false, ScopeWrite, team, map[Role]Extent{
		RoleMarketing: Own, RoleSalesManager: OwnTeams, RoleRep: Own,
	}},
	{ReadAudit, false, false, ScopeAdmin, ops, nil},
	{ManageDestinations, false, false, ScopeAdmin, ops, nil},
	{AnswerHandoffs, false, false, ScopeWrite, sellers, nil}, // which ones: package handoff knows owners and queues
	{AssignHandoffs, false, false, ScopeWrite, bosses, nil},
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

// Extent is how far a right goes.
type Extent string

// The extents, from the narrowest to the widest.
const (
	None     Extent = ""
	Own      Extent = "own"  // what belongs to the principal
	OwnTeams Extent = "team" // and what belongs to the principal's teams and their members
	All      Extent = "all"
)

// Subject is something that belongs to somebody.
type Subject struct {
	Owner string   // e-mail address of a user; empty: nobody in person
	Teams []string // the owner's teams, or the team that it waits for
}

// Reach is how far a right of a principal goes. Lists ask it to show only what may be seen.
func Reach(p Principal, a Action) Extent {
	if Allow(p, a) != nil {
		return None
	}
	i := slices.IndexFunc(rules, func(r rule) bool { return r.action == a })
	if limit, ok := rules[i].limits[p.Role]; ok && p.Kind == User {
		return limit
	}
	return All
}

// AllowFor is [Allow] for something that belongs to somebody.
func AllowFor(p Principal, a Action, s Subject) error {
	if err := Allow(p, a); err != nil {
		return err
	}
	mine := p.Kind == User && s.Owner != "" && s.Owner == p.Name
	ours := slices.ContainsFunc(s.Teams, func(t string) bool { return slices.Contains(p.Teams, t) })
	switch Reach(p, a) {
	case All:
		return nil
	case OwnTeams:
		if mine || ours {
			return nil
		}
	case Own:
		if mine {
			return nil
		}
	case None:
	}
	return fault.New(fault.Denied, "the role %q may not do this for others", p.Role).WithCode("not_yours").
		WithHint("ask the owner, or a manager of the team")
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
