package respond

import (
	"log/slog"
	"net/http"
	"time"
)

// The limits of a connection. Headers hold a key, a request id and what browsers add; who sends them a
// byte at a time is not a client.
const (
	maxHeader     = 32 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 60 * time.Second // streams renew theirs with every chunk
	idleTimeout   = 90 * time.Second
)

// NewServer makes the HTTP server for a handler, with the limits of this product.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
