// Package mail writes and sends e-mails. It is the only place that does.
//
// In: a [Message] whose subject, names and texts may hold anything, because they come from leads. Out: one
// message with a text and an HTML part at the mail server, or an error that says whether trying again can
// help. What is kept: what is put into a message can add neither a header nor a recipient nor an SMTP
// command; a message that is sent again has the same Message-ID, so that a reader who got both can tell.
//
// Begin reading at [Sender.Send]; build.go writes the message.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"cusp/internal/fault"
)

// Security is how the connection to the mail server is protected.
type Security string

// The kinds of protection.
const (
	StartTLS Security = "starttls" // begins in the clear and must become TLS; port 587
	TLS      Security = "tls"      // from the first byte; port 465
	None     Security = "none"     // for a server on this machine
)

// DefaultTimeout is what sending one message may take.
const DefaultTimeout = 15 * time.Second

// Config says which server takes our mail.
type Config struct {
	Host     string
	Port     int // 0: 587, with [TLS] 465, with [None] 25
	User     string
	Password string // never sent without TLS, except to this machine
	Security Security
	From     string // "Cusp <alerts@company.example>" or a bare address
	Timeout  time.Duration
	Trust    *tls.Config // nil for the system's authorities
}

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	c      Config
	from   mailbox
	client []gomail.Option
}

// New checks the configuration; it does not connect.
func New(c Config) (*Sender, error) {
	from, err := parseFrom(c.From)
	if err != nil {
		return nil, err
	}
	if c.Host == "" {
		return nil, fault.New(fault.Invalid, "the mail server has no host")
	}
	c.Timeout = orDefault(c.Timeout)
	s := &Sender{c: c, from: from}
	port := map[Security]int{StartTLS: 587, TLS: 465, None: 25}[c.Security]
	if port == 0 {
		return nil, fault.New(fault.Invalid, "%q is none of: starttls, tls, none", c.Security)
	}
	if c.Port != 0 {
		port = c.Port
	}
	s.client = append(s.client, gomail.WithPort(port), gomail.WithTimeout(c.Timeout),
		gomail.WithTLSConfig(tlsConfig(c)), gomail.WithHELO(from.domain()), gomail.WithoutNoop(), gomail.WithoutRset())
	switch c.Security {
	case TLS:
		s.client = append(s.client, gomail.WithSSL())
	case StartTLS:
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case None:
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if c.User != "" {
		s.client = append(s.client, gomail.WithUsername(c.User), gomail.WithPassword(c.Password),
			// Of these, the library itself sends the plain ones over TLS or to this machine only. Its own way to
			// discover does not see TLS behind a dialer of ours.
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return s, nil
}

func orDefault(d time.Duration) time.Duration {
	if d <= 0 {
		return DefaultTimeout
	}
	return d
}

func tlsConfig(c Config) *tls.Config {
	t := &tls.Config{}
	if c.Trust != nil {
		t = c.Trust.Clone()
	}
	t.ServerName, t.MinVersion = c.Host, tls.VersionTLS12
	return t
}

// Server names the mail server, as queues do that must not let it hold up others.
func (s *Sender) Server() string { return s.c.Host }

// Send hands one message to the mail server.
//
// [fault.Invalid] says that this message will never be taken: its address is none, or the server refused
// it for good (5xx). [fault.Unavailable] says that it may be taken later: no answer, no login, or 4xx.
func (s *Sender) Send(ctx context.Context, m Message) error {
	msg, err := s.build(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	line := &line{}
	stop := context.AfterFunc(ctx, line.cut)
	defer stop()
	client, err := gomail.NewClient(s.c.Host, append(slices.Clip(s.client), gomail.WithDialContextFunc(line.dial(s.c)))...)
	if err != nil {
		return fault.New(fault.Internal, "the mail server is configured wrongly").WithCause(err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // the server has it: an error while saying goodbye changes nothing
		return nil
	}
	return judge(err)
}

// line is the connection to the server, which can be cut from outside: the SMTP dialogue itself knows no
// context.
type line struct {
	mu   sync.Mutex
	conn net.Conn
	gone bool
}

func (l *line) dial(c Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		var err error
		if c.Security == TLS {
			d := tls.Dialer{Config: tlsConfig(c)}
			conn, err = d.DialContext(ctx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conn = conn; l.gone {
			return nil, errors.Join(context.Cause(ctx), conn.Close())
		}
		return conn, nil
	}
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	if l.conn != nil {
		_ = l.conn.Close() // whoever reads from it gets the error
	}
}

// judge decides whether another attempt can help. What the server says about us (no login, no TLS) is for
// the operator to mend, and the message waits for that.
func judge(err error) error {
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		if code := sent.ErrorCode(); code >= 500 && code != 530 && code != 534 && code != 535 && code != 538 {
			return fault.New(fault.Invalid, "the mail server refused the message for good: %d %s", code, said(err)).
				WithCode("mail_refused").WithCause(err)
		}
	}
	return fault.New(fault.Unavailable, "the mail server did not take the message: %s", said(err)).WithCode("mail_unavailable").
		WithCause(err)
}

// said is what the server said, which is what an operator can look up.
func said(err error) string {
	if proto, ok := errors.AsType[*textproto.Error](err); ok {
		return oneLine(fmt.Sprintf("%d %s", proto.Code, proto.Msg), 300)
	}
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.As(err, &op):
		return oneLine(op.Op+": "+op.Err.Error(), 300)
	}
	return oneLine(err.Error(), 300)
}
