package api

import (
	"context"
	"net/http"
	"time"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// TeamItem is a team with its members.
type TeamItem struct {
	ID        string           `json:"id" doc:"As the playbook names it."`
	Name      string           `json:"name"`
	Members   []TeamMemberItem `json:"members"`
	CreatedAt string           `json:"created_at" format:"date-time"`
}

// TeamMemberItem is a member of a team.
type TeamMemberItem struct {
	User   string `json:"user" doc:"E-mail address."`
	Weight int    `json:"weight"`
}

// NewTeamRequest says which team to make.
type NewTeamRequest struct {
	ID   string `json:"id" minLength:"1" maxLength:"64"`
	Name string `json:"name" minLength:"1" maxLength:"100"`
}

// PutMemberRequest gives a user a place in a team.
type PutMemberRequest struct {
	User   string `json:"user" minLength:"1" maxLength:"320" doc:"An id or an e-mail address."`
	Weight int    `json:"weight" minimum:"0" maximum:"1000" doc:"0 takes the place away."`
}

// AbsenceItem is when a user takes no leads.
type AbsenceItem struct {
	ID    int64  `json:"id"`
	User  int64  `json:"user" doc:"Id of the user."`
	From  string `json:"from" format:"date-time"`
	Until string `json:"until" format:"date-time" doc:"When the user is back."`
	Note  string `json:"note"`
}

// NewAbsenceRequest says who is away, and when. Parts of days are as good as days.
type NewAbsenceRequest struct {
	User  string `json:"user" minLength:"1" maxLength:"320" doc:"An id or an e-mail address."`
	From  string `json:"from" format:"date-time"`
	Until string `json:"until" format:"date-time"`
	Note  string `json:"note,omitempty" maxLength:"500"`
}

// AbsenceRequest changes an absence; what is absent stays.
type AbsenceRequest struct {
	From  *string `json:"from,omitempty" format:"date-time"`
	Until *string `json:"until,omitempty" format:"date-time"`
	Note  *string `json:"note,omitempty" maxLength:"500"`
}

// AbsencePath names the one that is meant.
type AbsencePath struct {
	ID int64 `path:"id" minimum:"1"`
}

type (
	teamsOut    struct{ Body Page[TeamItem] }
	teamOut     struct{ Body TeamItem }
	newTeamIn   struct{ Body NewTeamRequest }
	putMemberIn struct {
		ID   string `path:"id" maxLength:"64"`
		Body PutMemberRequest
	}
	absencesOut    struct{ Body Page[AbsenceItem] }
	absenceOut     struct{ Body AbsenceItem }
	newAbsenceIn   struct{ Body NewAbsenceRequest }
	patchAbsenceIn struct {
		AbsencePath
		Body AbsenceRequest
	}
)

func (a *API) routeTeams() {
	register(a, operation{
		id: "listTeams", method: http.MethodGet, path: "/teams", action: access.ReadUsers, tag: "teams", summary: "Every team with its members",
	}, a.listTeams)
	register(a, operation{
		id: "createTeam", method: http.MethodPost, path: "/teams", action: access.ManageTeams, tag: "teams",
		status: http.StatusCreated, summary: "Add a team",
	}, a.createTeam)
	register(a, operation{
		id: "putMember", method: http.MethodPost, path: "/teams/{id}/members", action: access.ManageTeams, tag: "teams",
		summary: "Give a user a place in a team, or another weight; weight 0 takes the place away",
	}, a.putMember)
	register(a, operation{
		id: "listAbsences", method: http.MethodGet, path: "/absences", action: access.ReadUsers, tag: "absences",
		summary: "Absences that are not over",
	}, a.listAbsences)
	register(a, operation{
		id: "createAbsence", method: http.MethodPost, path: "/absences", action: access.ManageAbsences, tag: "absences",
		status: http.StatusCreated, summary: "Say when a user takes no leads",
	}, a.createAbsence)
	register(a, operation{
		id: "changeAbsence", method: http.MethodPatch, path: "/absences/{id}", action: access.ManageAbsences, tag: "absences",
		summary: "Change an absence; what is absent stays",
	}, a.changeAbsence)
	register(a, operation{
		id: "deleteAbsence", method: http.MethodDelete, path: "/absences/{id}", action: access.ManageAbsences, tag: "absences",
		summary: "Remove an absence",
	}, a.deleteAbsence)
}

func (a *API) listTeams(ctx context.Context, _ *nothing) (*teamsOut, error) {
	staff, err := a.o.Staff.Teams(ctx)
	if err != nil {
		return nil, err
	}
	out := &teamsOut{Body: Page[TeamItem]{Items: []TeamItem{}}}
	for _, t := range staff.Teams {
		item := teamItem(t)
		for i := range staff.Users {
			for _, m := range staff.Users[i].Teams {
				if m.Team == t.ID {
					item.Members = append(item.Members, TeamMemberItem{User: staff.Users[i].Email, Weight: m.Weight})
				}
			}
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

func teamItem(t access.Team) TeamItem {
	return TeamItem{ID: t.ID, Name: t.Name, Members: []TeamMemberItem{}, CreatedAt: t.CreatedAt.String()}
}

func (a *API) createTeam(ctx context.Context, in *newTeamIn) (*teamOut, error) {
	t, err := a.o.Staff.AddTeam(ctx, in.Body.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &teamOut{teamItem(t)}, nil
}

func (a *API) putMember(ctx context.Context, in *putMemberIn) (*userOut, error) {
	return answerUser(a.o.Staff.PutMember(ctx, in.ID, in.Body.User, in.Body.Weight))
}

func (a *API) listAbsences(ctx context.Context, _ *nothing) (*absencesOut, error) {
	all, err := a.o.Staff.Absences(ctx, lead.At(a.o.Now()))
	if err != nil {
		return nil, err
	}
	out := &absencesOut{Body: Page[AbsenceItem]{Items: []AbsenceItem{}}}
	for _, x := range all {
		out.Body.Items = append(out.Body.Items, absenceItem(x))
	}
	return out, nil
}

func (a *API) createAbsence(ctx context.Context, in *newAbsenceIn) (*absenceOut, error) {
	x := access.Absence{Note: in.Body.Note}
	if err := readTimes(&x, &in.Body.From, &in.Body.Until); err != nil {
		return nil, err
	}
	return answerAbsence(a.o.Staff.AddAbsence(ctx, in.Body.User, x))
}

func (a *API) changeAbsence(ctx context.Context, in *patchAbsenceIn) (*absenceOut, error) {
	var given access.Absence
	if err := readTimes(&given, in.Body.From, in.Body.Until); err != nil {
		return nil, err
	}
	return answerAbsence(a.o.Staff.ChangeAbsence(ctx, in.ID, func(x *access.Absence) bool {
		if in.Body.From != nil {
			x.From = given.From
		}
		if in.Body.Until != nil {
			x.Until = given.Until
		}
		give(&x.Note, in.Body.Note)
		return true
	}))
}

func (a *API) deleteAbsence(ctx context.Context, in *AbsencePath) (*nothing, error) {
	_, err := a.o.Staff.ChangeAbsence(ctx, in.ID, func(*access.Absence) bool { return false })
	return nil, err
}

// readTimes reads the times that are given.
func readTimes(x *access.Absence, from, until *string) error {
	for _, t := range []struct {
		text *string
		to   *lead.Instant
		name string
	}{{from, &x.From, "from"}, {until, &x.Until, "until"}} {
		if t.text == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, *t.text)
		if err != nil {
			return fault.New(fault.Invalid, "%q is no time", *t.text).WithCode("wrong_time").WithField("body." + t.name).
				WithHint("write it as in 2027-01-15T09:00:00Z")
		}
		*t.to = lead.At(at)
	}
	return nil
}

func answerAbsence(x access.Absence, err error) (*absenceOut, error) {
	if err != nil {
		return nil, err
	}
	return &absenceOut{absenceItem(x)}, nil
}

func absenceItem(x access.Absence) AbsenceItem {
	return AbsenceItem{ID: x.ID, User: x.User, From: x.From.String(), Until: x.Until.String(), Note: x.Note}
}
