package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/respond"
)

// Keys of an operation's metadata.
const (
	metaAction = "action" // the [access.Action] that the route needs
	metaOpen   = "open"   // pages of every web site may use the route, with a key
	metaSecret = "secret" // the answer holds a secret and is not kept for Idempotency-Key
)

// adapter hands huma's operations to the router, each with its policy.
type adapter struct{ api *API }

func (a adapter) Handle(op *huma.Operation, h func(huma.Context)) {
	action, _ := op.Metadata[metaAction].(access.Action)
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h(humago.NewContext(op, r, w))
	}))
	if op.Method == http.MethodPost {
		handler = a.api.once(op, handler)
	}
	if open, _ := op.Metadata[metaOpen].(bool); open {
		a.api.handleOpen(op.Method, op.Path, action, singleQuery(handler))
		return
	}
	a.api.router.Handle(op.Method+" "+op.Path, action, singleQuery(handler))
}

func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.api.router.ServeHTTP(w, r) }

// singleQuery refuses a query parameter that is given twice: two readers might take different ones.
func singleQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.URL.Query() {
			if len(values) > 1 {
				respond.FailWith(w, r, http.StatusBadRequest, fault.New(fault.Invalid, "the parameter %q is given twice", name).
					WithCode("repeated_parameter").WithField("query."+name))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// config is how huma is set up: JSON only, no pages that load scripts from elsewhere, no $schema in
// answers, errors as this product's problem documents.
func config(version string) huma.Config {
	json := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Cusp", Version: version,
				Description: "Tells interest from intent, and says why. Times are RFC 3339 in UTC.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "An API key: cusp key create --kind api --name NAME"},
				},
			},
			Security: []map[string][]string{{"key": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": json, "json": json},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{ownProblem},
	}
}

// schemaName keeps apart what two packages call by the same name.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[fault.Problem]() {
		return "Finding"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// ownProblem turns huma's own refusals (of malformed input) into problem documents.
func ownProblem(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := respond.NewProblem(m.Status, "invalid_request", m.Detail)
	p.RequestID = respond.RequestID(ctx.Context())
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, respond.Detail{Location: e.Location, Message: e.Message})
	}
	if m.Status >= http.StatusInternalServerError {
		p.Code, p.Detail, p.Errors = fault.Internal.String(), "something went wrong on our side", nil
	}
	return p, nil
}

// operation is one route of the JSON API.
type operation struct {
	id, method, path string
	action           access.Action
	summary          string
	tag              string
	maxBody          int64 // bytes; 0: 1 MB
	secret           bool
	open             bool   // pages of every web site may use it, with a key
	raw              bool   // the handler reads and checks the body itself
	status           int    // of success; 0: 200, or 204 without a body
	stream           string // media type of a streamed answer
}

// register adds a route. Whatever the handler answers as an error becomes a problem document.
func register[I, O any](a *API, o operation, h func(context.Context, *I) (*O, error)) {
	problem := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[respond.Problem](), true, "")
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: "/api/v1" + o.path, Summary: o.summary, Tags: []string{o.tag},
		MaxBodyBytes: o.maxBody, DefaultStatus: o.status, SkipValidateBody: o.raw,
		Metadata: map[string]any{metaAction: o.action, metaOpen: o.open, metaSecret: o.secret},
		Responses: map[string]*huma.Response{"default": {
			Description: "What went wrong, and what to do next.",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}},
	}
	if o.stream != "" {
		op.Responses["200"] = &huma.Response{Description: "A stream, one JSON document a line.", Content: map[string]*huma.MediaType{o.stream: {}}}
	}
	if o.method == http.MethodPost {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: "string"},
			Description: "The same key with the same request is done once; the first answer is given again for a day.",
		})
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, respond.Refuse(ctx, err)
		}
		return out, nil
	})
}

// settle makes the schemas say what the answers are: lists are never null, and a pointer to an object
// that is always present may be null.
func settle(registry huma.Registry) {
	for name, s := range registry.Map() {
		settleArrays(s)
		t := registry.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			prop := s.Properties[key]
			if prop == nil || f.Type.Kind() != reflect.Pointer || strings.Contains(options, "omitempty") {
				continue
			}
			if prop.Ref != "" {
				s.Properties[key] = &huma.Schema{Description: prop.Description, AnyOf: []*huma.Schema{{Ref: prop.Ref}, {Type: "null"}}}
			}
		}
	}
}

func settleArrays(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	settleArrays(s.Items)
	for _, p := range s.Properties {
		settleArrays(p)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		settleArrays(more)
	}
}

// serveSpec serves the OpenAPI document, which is complete by then.
func (a *API) serveSpec() error {
	settle(a.huma.OpenAPI().Components.Schemas)
	spec, err := json.MarshalIndent(a.huma.OpenAPI(), "", " ")
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	a.router.Handle("GET /api/openapi.json", access.ReadSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(spec) // the client may be gone
	}))
	return nil
}
