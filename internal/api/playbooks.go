package api

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/playbook"
)

// playbookMax is the largest playbook, in bytes of the request that carries it.
const playbookMax = 2 << 20

// PlaybookItem is one published version with its document.
type PlaybookItem struct {
	flow.PlaybookInfo
	Source string `json:"source" doc:"The document as it was published."`
}

// Draft is a playbook on its way in.
type Draft struct {
	Source string `json:"source" minLength:"1" doc:"The document, YAML or JSON."`
	File   string `json:"file,omitempty" maxLength:"500" doc:"What to call it in messages."`
}

func (d Draft) parse() (*playbook.Playbook, fault.Problems) {
	file := d.File
	if file == "" {
		file = "playbook.yaml"
	}
	p, _, problems := handoff.Parse(file, []byte(d.Source))
	return p, problems
}

// Checked is what the checker says of a draft.
type Checked struct {
	OK       bool            `json:"ok" doc:"It may be published."`
	Name     string          `json:"name"`
	Hash     string          `json:"hash" doc:"Equal hashes decide equally."`
	Problems []fault.Problem `json:"problems" doc:"Every finding, warnings included."`
}

// PublishRequest publishes a draft.
type PublishRequest struct {
	Draft
	Note string `json:"note,omitempty" maxLength:"2000" doc:"Why it changes."`
}

// PublishedItem is what came of publishing.
type PublishedItem struct {
	flow.PlaybookInfo
	Problems []fault.Problem `json:"problems" doc:"Warnings."`
}

// Side is one side of a comparison: a published version, or a draft.
type Side struct {
	Version int    `json:"version,omitempty" minimum:"0" doc:"A published version; 0 and no source: the one in force."`
	Source  string `json:"source,omitempty"`
	File    string `json:"file,omitempty" maxLength:"500"`
}

type playbooksIn struct{ Paging }
type playbooksOut struct{ Body Page[flow.PlaybookInfo] }
type playbookIn struct {
	Version string `path:"version" maxLength:"20" doc:"A number, or current."`
}
type playbookOut struct{ Body PlaybookItem }
type checkIn struct{ Body Draft }
type checkOut struct{ Body Checked }
type publishIn struct{ Body PublishRequest }
type publishOut struct{ Body PublishedItem }

func (a *API) routePlaybooks() {
	register(a, operation{
		id: "listPlaybooks", method: http.MethodGet, path: "/playbooks", action: access.ReadPlaybooks, tag: "playbooks",
		summary: "Published versions, newest first",
	}, a.listPlaybooks)
	register(a, operation{
		id: "getPlaybook", method: http.MethodGet, path: "/playbooks/{version}", action: access.ReadPlaybooks, tag: "playbooks",
		summary: "One version with its document",
	}, a.getPlaybook)
	register(a, operation{
		id: "publishPlaybook", method: http.MethodPost, path: "/playbooks", action: access.PublishPlaybook, tag: "playbooks",
		summary: "Make a playbook the one in force", maxBody: playbookMax, status: http.StatusCreated,
	}, a.publishPlaybook)
	register(a, operation{
		id: "checkPlaybook", method: http.MethodPost, path: "/playbooks/check", action: access.ReadPlaybooks, tag: "playbooks",
		summary: "Every mistake of a draft, with its place", maxBody: playbookMax,
	}, a.checkPlaybook)
	register(a, operation{
		id: "diffPlaybooks", method: http.MethodPost, path: "/playbooks/diff", action: access.ReadPlaybooks, tag: "playbooks",
		summary: "What differs between two playbooks, in words", maxBody: playbookMax,
	}, a.diffPlaybooks)
}

func (a *API) listPlaybooks(ctx context.Context, in *playbooksIn) (*playbooksOut, error) {
	of := list("playbooks")
	before, err := readNumber(of, in.Cursor, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	var items []flow.PlaybookInfo
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		items, err = flow.Playbooks(tx, int(before), in.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &playbooksOut{page(items, in.Limit, of, func(p flow.PlaybookInfo) string { return strconv.Itoa(p.Version) })}, nil
}

func (a *API) getPlaybook(ctx context.Context, in *playbookIn) (*playbookOut, error) {
	version := 0
	if in.Version != "current" {
		var err error
		if version, err = strconv.Atoi(in.Version); err != nil || version < 1 {
			return nil, fault.New(fault.Invalid, "%q is not a version", in.Version).WithField("path.version").
				WithHint("write a number, or current")
		}
	}
	pub, err := a.published(ctx, version)
	if err != nil {
		return nil, err
	}
	return &playbookOut{PlaybookItem{PlaybookInfo: infoOf(pub), Source: string(pub.Playbook.Source)}}, nil
}

// published finds a version; 0 is the one in force.
func (a *API) published(ctx context.Context, version int) (*flow.Published, error) {
	if version == 0 {
		pub := a.o.Engine.Current()
		if pub == nil {
			return nil, fault.New(fault.NotFound, "no playbook was published yet").WithCode("no_playbook").
				WithHint("publish one: cusp playbook publish FILE")
		}
		return pub, nil
	}
	var pub *flow.Published
	err := a.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		pub, err = flow.FindPlaybook(tx, version)
		return err
	})
	return pub, err
}

func infoOf(pub *flow.Published) flow.PlaybookInfo {
	return flow.PlaybookInfo{
		Version: pub.Version, Name: pub.Playbook.Name, Hash: pub.Playbook.Hash,
		Note: pub.Note, PublishedBy: pub.By, PublishedAt: pub.At.String(),
	}
}

func (a *API) publishPlaybook(ctx context.Context, in *publishIn) (*publishOut, error) {
	compiled, problems := in.Body.parse()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	pub, err := a.o.Engine.Publish(ctx, compiled, access.From(ctx).String(), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return &publishOut{PublishedItem{PlaybookInfo: infoOf(pub), Problems: listed(problems)}}, nil
}

func (a *API) checkPlaybook(_ context.Context, in *checkIn) (*checkOut, error) {
	compiled, problems := in.Body.parse()
	out := &checkOut{Checked{OK: problems.Err() == nil, Problems: listed(problems)}}
	if compiled != nil {
		out.Body.Name, out.Body.Hash = compiled.Name, compiled.Hash
	}
	return out, nil
}

// listed is the problems as a list that is never null.
func listed(ps fault.Problems) []fault.Problem {
	if ps == nil {
		return []fault.Problem{}
	}
	return ps
}

// DiffRequest names the two playbooks to compare; an empty side is the playbook in force.
type DiffRequest struct {
	From Side `json:"from,omitzero" required:"false"`
	To   Side `json:"to"`
}

// Differences are what differs.
type Differences struct {
	Equal   bool              `json:"equal" doc:"Both decide alike."`
	From    flow.PlaybookRef  `json:"from"`
	To      flow.PlaybookRef  `json:"to"`
	Changes []playbook.Change `json:"changes"`
}

type diffIn struct{ Body DiffRequest }
type diffOut struct{ Body Differences }

func (a *API) diffPlaybooks(ctx context.Context, in *diffIn) (*diffOut, error) {
	from, fromRef, err := a.side(ctx, in.Body.From)
	if err != nil {
		return nil, err
	}
	to, toRef, err := a.side(ctx, in.Body.To)
	if err != nil {
		return nil, err
	}
	return &diffOut{differences(from, to, fromRef, toRef)}, nil
}

func differences(from, to *playbook.Playbook, fromRef, toRef flow.PlaybookRef) Differences {
	changes := playbook.Diff(from, to)
	before, _ := handoff.Compile(from)
	after, _ := handoff.Compile(to)
	if before != nil && after != nil { // one that was published before sections were checked may have none
		changes = append(changes, handoff.Diff(before, after)...)
	}
	if changes == nil {
		changes = []playbook.Change{}
	}
	return Differences{Equal: from.Hash == to.Hash, From: fromRef, To: toRef, Changes: changes}
}

// Compare compares two drafts; it needs no database.
func Compare(from, to Draft) (Differences, error) {
	a, aRef, err := from.compile()
	if err != nil {
		return Differences{}, err
	}
	b, bRef, err := to.compile()
	if err != nil {
		return Differences{}, err
	}
	return differences(a, b, aRef, bRef), nil
}

func (d Draft) compile() (*playbook.Playbook, flow.PlaybookRef, error) {
	p, problems := d.parse()
	if err := problems.Err(); err != nil {
		return nil, flow.PlaybookRef{}, err
	}
	return p, flow.PlaybookRef{Name: p.Name, Hash: p.Hash}, nil
}

func (a *API) side(ctx context.Context, s Side) (*playbook.Playbook, flow.PlaybookRef, error) {
	if s.Source != "" {
		return Draft{Source: s.Source, File: s.File}.compile()
	}
	pub, err := a.published(ctx, s.Version)
	if err != nil {
		return nil, flow.PlaybookRef{}, err
	}
	return pub.Playbook, flow.PlaybookRef{Name: pub.Playbook.Name, Version: pub.Version, Hash: pub.Playbook.Hash}, nil
}
