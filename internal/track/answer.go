package track

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"cusp/internal/fault"
)

// retryAfter is when a sender may come back, in seconds: as soon as the batch that is being committed is
// done there is room again.
const retryAfter = 1

// failure is the answer to a request that was refused.
type failure struct {
	Success bool   `json:"success"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (h *Handler) success(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"success\":true}\n")) // the client may be gone; the events are stored
}

func (h *Handler) answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // a value of ours that does not marshal is a broken invariant
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}

// statusOf is the status of an error: 400 for what SDKs must not send again, where the rest of the product
// says 422.
func statusOf(kind fault.Kind) int {
	if kind == fault.Invalid {
		return http.StatusBadRequest
	}
	return kind.Status()
}

// fail answers an error. What is ours to repair is logged, and the sender is told to come back.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	status := statusOf(kind)
	body := failure{Code: kind.String(), Message: "The events could not be stored.", Hint: "Send them again: message ids count once."}
	if e, ok := errors.AsType[*fault.Error](err); ok && kind != fault.Internal {
		body.Message, body.Hint = e.Message, e.Hint
		if e.Code != "" {
			body.Code = e.Code
		}
	}
	switch {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		h.log.LogAttrs(r.Context(), kind.Level(), "events refused", slog.Any("error", err))
	case status == http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close") // the rest of the body is not read
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="cusp"`)
	}
	h.answer(w, status, body)
}
