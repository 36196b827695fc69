package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// request is a whole HTTP request with a write key.
func request(host, path, key string, body []byte) []byte {
	auth := base64.StdEncoding.EncodeToString([]byte(key + ":"))
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, host, auth, len(body))
	return append(head, body...)
}

// drive sends all requests over a number of keep-alive connections, each waiting for its answer before
// it sends the next, and returns the time it took and every latency. It fails on the first answer that
// is not 200.
func drive(ctx context.Context, addr string, connections int, requests [][]byte) (time.Duration, []time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	latencies := make([]time.Duration, len(requests))
	var next atomic.Int64
	var workers sync.WaitGroup
	begin := time.Now()
	for range connections {
		workers.Go(func() {
			if err := work(ctx, addr, requests, latencies, &next); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	took := time.Since(begin)
	if err := context.Cause(ctx); err != nil {
		return 0, nil, fmt.Errorf("drive load: %w", err)
	}
	return took, latencies, nil
}

// work is one connection's share: it takes the next request that nobody has taken.
func work(ctx context.Context, addr string, requests [][]byte, latencies []time.Duration, next *atomic.Int64) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	answers := bufio.NewReader(conn)
	for {
		i := int(next.Add(1)) - 1
		if i >= len(requests) {
			return nil
		}
		begin := time.Now()
		if _, err := conn.Write(requests[i]); err != nil {
			return err
		}
		if err := readAnswer(answers); err != nil {
			return err
		}
		latencies[i] = time.Since(begin)
	}
}

// readAnswer reads one answer whose length the server says, and wants status 200.
func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200"))
	first := string(bytes.TrimSpace(status))
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return fmt.Errorf("read length of answer: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("the answer does not say its length")
	}
	if !ok {
		body := make([]byte, min(length, 500))
		_, _ = io.ReadFull(r, body)
		return fmt.Errorf("answer %s: %s", first, body)
	}
	_, err = r.Discard(length)
	return err
}
