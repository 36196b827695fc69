package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// spec is the served OpenAPI document, against which every answer of the tests is held.
type spec struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

const specURL = "https://cusp.test/openapi.json"

func loadSpec(t *testing.T, s *site) *spec {
	t.Helper()
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/api/openapi.json", nil))
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(specURL, doc); err != nil {
		t.Fatal(err)
	}
	return &spec{doc: doc.(map[string]any), compiler: c}
}

// at walks down the document.
func (sp *spec) at(keys ...string) any {
	var v any = sp.doc
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func (sp *spec) operation(method, path string) any {
	return sp.at("paths", path, strings.ToLower(method))
}

// match finds the documented path of a request.
func (sp *spec) match(path string) string {
	got := strings.Split(path, "/")
	paths, _ := sp.at("paths").(map[string]any)
	best := ""
	for candidate := range paths {
		want := strings.Split(candidate, "/")
		if len(want) != len(got) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		// The pattern with fewer wildcards is the one that the router takes.
		if same && (best == "" || strings.Count(candidate, "{") < strings.Count(best, "{")) {
			best = candidate
		}
	}
	return best
}

// check holds an answer against the document: its status, its media type and its body.
func (sp *spec) check(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	if !strings.HasPrefix(r.URL.Path, "/api/v1/") || w.Body.Len() == 0 {
		return
	}
	path := sp.match(r.URL.EscapedPath())
	media := w.Header().Get("Content-Type")
	if path == "" || sp.operation(r.Method, path) == nil {
		if media != "application/problem+json" {
			t.Errorf("%s %s is not documented and answers %s", r.Method, r.URL.Path, media)
		}
		return
	}
	status := strconv.Itoa(w.Code)
	if sp.at("paths", path, strings.ToLower(r.Method), "responses", status) == nil {
		status = "default"
	}
	content := sp.at("paths", path, strings.ToLower(r.Method), "responses", status, "content", media)
	if content == nil {
		t.Errorf("%s %s: status %d as %s is not documented", r.Method, path, w.Code, media)
		return
	}
	if schema, _ := content.(map[string]any)["schema"]; schema == nil {
		return // a stream
	}
	pointer := "#/paths/" + escape(path) + "/" + strings.ToLower(r.Method) + "/responses/" + status + "/content/" + escape(media) + "/schema"
	schema, err := sp.compiler.Compile(specURL + pointer)
	if err != nil {
		t.Fatalf("compile schema of %s %s: %v", r.Method, path, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Errorf("%s %s: not JSON: %v", r.Method, path, err)
		return
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s %s does not answer as documented: %v\n%s", r.Method, path, err, w.Body)
	}
}

// escape writes a key as a token of a JSON pointer inside a URL.
func escape(key string) string {
	key = strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	return strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D", "+", "%2B").Replace(key)
}
