package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/respond"
)

// client speaks to the API, wherever it is.
type client struct {
	http  *http.Client
	base  string
	token string
	close func()
}

// answerMax bounds an answer that is read into memory.
const answerMax = 64 << 20

// call sends in as JSON (nothing when nil) and reads the answer into out (unless nil).
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer closeQuietly(res.Body)
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, answerMax)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// stream gives the body of an answer to read as it comes.
func (c *client) stream(ctx context.Context, path string, read func(io.Reader) error) error {
	res, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer closeQuietly(res.Body)
	return read(res.Body)
}

func (c *client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		defer closeQuietly(res.Body)
		return nil, refused(res)
	}
	return res, nil
}

func unreachable(base string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(fault.Unavailable, "the server at %s does not answer", base).WithCause(err).
		WithHint("is it running? cusp serve starts one")
}

// refused turns a problem document back into the error it was.
func refused(res *http.Response) error {
	var p respond.Problem
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		return fault.New(kindOf(res.StatusCode), "the server answered %s", res.Status).
			WithHint("is there a Cusp server at this address?")
	}
	if len(p.Problems) > 0 {
		return fault.Problems(p.Problems)
	}
	lines := []string{p.Detail}
	for _, e := range p.Errors {
		if e.Message != p.Detail {
			lines = append(lines, e.Location+": "+e.Message)
		}
	}
	e := fault.New(kindOf(res.StatusCode), "%s", strings.Join(lines, "\n      ")).WithCode(p.Code).WithHint("%s", p.Hint)
	if p.Status >= http.StatusInternalServerError && p.RequestID != "" {
		e.Message += " (request " + p.RequestID + ")"
	}
	return e
}

// kindOf is the kind of error that a status speaks of.
func kindOf(status int) fault.Kind {
	for k := fault.Invalid; k <= fault.Unavailable; k++ {
		if k.Status() == status {
			return k
		}
	}
	if status >= http.StatusInternalServerError {
		return fault.Unavailable
	}
	return fault.Invalid
}

func closeQuietly(c io.Closer) {
	_ = c.Close() // everything that matters was read
}

// remote is a client of a server at an address.
func remote(base, token string) *client {
	return &client{http: &http.Client{}, base: base, token: token, close: func() {}}
}

// overSocket is a client of the server that listens on a socket file.
func overSocket(path string) *client {
	var d net.Dialer
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", path)
	}}
	return &client{http: &http.Client{Transport: t}, base: "http://cusp", close: t.CloseIdleConnections}
}

// within is a client of a handler in this process, which acts as the owner of the database.
func within(h http.Handler, end func()) *client {
	return &client{http: &http.Client{Transport: inside{h}}, base: "http://cusp", close: end}
}

// inside answers requests by a handler, streaming as a connection would.
type inside struct{ handler http.Handler }

// RoundTrip runs the handler and returns as soon as it begins to answer.
func (t inside) RoundTrip(r *http.Request) (*http.Response, error) {
	body, pipe := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: pipe, begun: make(chan *http.Response, 1), body: body, req: r}
	in := r.Clone(access.With(r.Context(), access.Machine()))
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "in-process"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go func() {
		defer func() {
			cause := recover()
			w.WriteHeader(http.StatusOK)
			if cause != nil {
				_ = pipe.CloseWithError(fmt.Errorf("the answer broke off: %v", cause))
				return
			}
			_ = pipe.Close()
		}()
		t.handler.ServeHTTP(w, in)
	}()
	select {
	case res := <-w.begun:
		return res, nil
	case <-r.Context().Done():
		_ = body.Close()
		return nil, r.Context().Err()
	}
}

// pipeWriter is the handler's side of [inside].
type pipeWriter struct {
	header http.Header
	pipe   *io.PipeWriter
	body   *io.PipeReader
	begun  chan *http.Response
	req    *http.Request
	done   bool
}

// Header is the header of the answer.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader lets the client go on.
func (w *pipeWriter) WriteHeader(status int) {
	if w.done {
		return
	}
	w.done = true
	w.begun <- &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header.Clone(), Body: w.body, Request: w.req, ContentLength: -1,
	}
}

// Write sends to the client's reader.
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}

// SetWriteDeadline is for the response controller; a pipe needs none.
func (w *pipeWriter) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline is for the response controller; a pipe needs none.
func (w *pipeWriter) SetReadDeadline(time.Time) error { return nil }
