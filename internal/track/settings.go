package track

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"cusp/internal/fault"
	"cusp/internal/ingest"
)

// settingsKey is the write key in the path of the settings document. Keys need no escapes; what has some is
// a path that others may read differently.
func settingsKey(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/v1/projects/")
	if !ok {
		return "", false
	}
	key, ok := strings.CutSuffix(rest, "/settings")
	return key, ok && strings.Trim(key, ".") != "" && !strings.ContainsAny(key, "/%")
}

type object map[string]any

// settings is what analytics.js asks for before it sends: where to, and that there is nothing to load.
func (h *Handler) settings(w http.ResponseWriter, r *http.Request, _ route) {
	key, _ := settingsKey(strings.TrimSuffix("/"+strings.TrimLeft(r.URL.EscapedPath(), "/"), "/"))
	if _, err := h.o.Lookup(r.Context(), key); err != nil {
		h.fail(w, r, err)
		return
	}
	scheme, host := h.address(r)
	enabled := object{"__default": object{"enabled": true}}
	h.answer(w, http.StatusOK, object{
		"integrations": object{"Segment.io": object{
			"apiKey": key, "apiHost": host + "/v1", "protocol": scheme,
			"unbundledIntegrations": []string{}, "addBundledMetadata": true,
		}},
		"plan":              object{"track": enabled, "identify": enabled, "group": enabled},
		"metrics":           object{"sampleRate": 0},
		"enabledMiddleware": object{},
		"remotePlugins":     []string{},
	})
}

// sourceConfig is the same for RudderStack's browser SDK.
func (h *Handler) sourceConfig(w http.ResponseWriter, r *http.Request, _ route) {
	shown, err := credentialOf(r)
	if err == nil && shown.key == "" {
		err = fault.New(fault.Unauthentic, "The request has no write key.").WithCode("missing_key").
			WithHint("Send it as writeKey in the query.")
	}
	if err == nil {
		_, err = h.o.Lookup(r.Context(), shown.key)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	off := object{"enabled": false}
	h.answer(w, http.StatusOK, object{"source": object{
		"id": "cusp", "name": "cusp", "writeKey": shown.key, "enabled": true, "workspaceId": "cusp",
		"config":       object{"statsCollection": object{"errors": off, "metrics": off}},
		"destinations": []string{}, "connections": []string{}, "dataplanes": object{},
		"updatedAt": "2026-01-01T00:00:00.000Z", "sourceDefinition": object{"name": "Javascript"},
	}})
}

// address is where browsers reach this server.
func (h *Handler) address(r *http.Request) (scheme, host string) {
	if u, err := url.Parse(h.o.PublicURL); err == nil && u.Host != "" {
		return u.Scheme, u.Host + strings.TrimSuffix(u.Path, "/")
	}
	scheme = "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme, r.Host
}

// dot is a transparent GIF of one pixel.
const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// pixel takes an event from an image in a mail. A mail program can do nothing about an error, so it always
// gets its image.
func (h *Handler) pixel(w http.ResponseWriter, r *http.Request, rt route) {
	if text, ok := decodeData(r.URL.Query().Get("data")); ok && r.Method == http.MethodGet {
		batch := h.readPixel(r, rt, text)
		if len(batch.Events)+len(batch.Rejected) > 0 {
			if _, err := h.o.Submit(r.Context(), batch); err != nil {
				h.log.LogAttrs(r.Context(), fault.KindOf(err).Level(), "pixel lost", slog.Any("error", err))
			}
		}
	}
	w.Header().Set("Content-Type", "image/gif")
	_, _ = w.Write([]byte(dot)) // the client may be gone
}

func (h *Handler) readPixel(r *http.Request, rt route, text []byte) ingest.Batch {
	q, _ := h.pool.Get().(*request)
	defer h.release(q)
	q.text, q.known = text, false
	shown, err := credentialOf(r)
	if err == nil {
		err = h.parse(q, r, rt, shown)
	}
	return h.batch(q, err)
}

func decodeData(data string) ([]byte, bool) {
	data = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(data), "=")
	text, err := base64.RawStdEncoding.DecodeString(data)
	return text, err == nil && len(text) > 0
}
