package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"mime"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/fault"
	"cusp/internal/mail"
	"cusp/internal/mail/mailtest"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func message() mail.Message {
	return mail.Message{
		ID: "msg_1", To: "ada@acme.example", Name: "Ada", Subject: "New lead", Text: "Hello\n", HTML: "<p>Hello</p>", Date: noon,
	}
}

func sender(t *testing.T, c mail.Config) *mail.Sender {
	t.Helper()
	if c.From == "" {
		c.From = "Cusp <alerts@cusp.example>"
	}
	if c.Security == "" {
		c.Security = mail.None
	}
	s, err := mail.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSend_reachesARealServer(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	s := sender(t, mail.Config{Host: sink.Host, Port: sink.Port})
	m := message()
	m.Subject = "Größe: 株式会社 wants a demo, and asks for much more than what fits into one line of a header"
	m.Text = "Schöne Grüße\n.\nA line with one dot, and a long one: " + strings.Repeat("x", 1200) + "\n"
	for range 2 { // a second attempt is recognisable as the same message
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	mails := sink.Mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	got := mails[0]
	want := map[string]string{
		"From": `"Cusp" <alerts@cusp.example>`, "To": `"Ada" <ada@acme.example>`, "Subject": m.Subject,
		"Message-Id": "<msg_1@cusp.example>", "Date": "Mon, 04 May 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated",
		"Mime-Version": "1.0",
	}
	for name, value := range want {
		text, err := (&mime.WordDecoder{}).DecodeHeader(got.Header.Get(name))
		if err != nil || text != value {
			t.Errorf("%s: %q, %v; want %q", name, text, err, value)
		}
	}
	if mails[1].Header.Get("Message-Id") != got.Header.Get("Message-Id") {
		t.Error("a second attempt has another Message-ID")
	}
	if diff := cmp.Diff([]string{"ada@acme.example"}, got.To); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/alternative") ||
		strings.Index(got.Raw, "text/plain") > strings.Index(got.Raw, "text/html") {
		t.Error("not a text with an HTML alternative")
	}
	for line := range strings.SplitSeq(got.Raw, "\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// The attack cases X19 to X22: nothing in a message adds a header or a recipient.
func TestSend_isNotInjected(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	s := sender(t, mail.Config{Host: sink.Host, Port: sink.Port})
	for name, change := range map[string]func(m *mail.Message){
		"name with a header":    func(m *mail.Message) { m.Name = "Bob\r\nBcc: v@x.y" },
		"name with a line feed": func(m *mail.Message) { m.Name = "Bob\nBcc: v@x.y" },
		"name with U+2028":      func(m *mail.Message) { m.Name = "Bob\u2028Bcc: v@x.y" },
		"quoted local part":     func(m *mail.Message) { m.To = `"a b> SIZE=1"@b.c` },
		"two addresses":         func(m *mail.Message) { m.To = "a@b.c, x@y.z" },
		"address literal":       func(m *mail.Message) { m.To = "a@[127.0.0.1]" },
		"localhost":             func(m *mail.Message) { m.To = "a@localhost" },
		"header in address":     func(m *mail.Message) { m.To = "a@b.c\r\nBcc: v@x.y" },
		"command in address":    func(m *mail.Message) { m.To = "a@b.c>\r\nRCPT TO:<v@x.y" },
	} {
		m := message()
		change(&m)
		if err := s.Send(t.Context(), m); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := message()
	m.ID = "x\r\nBcc: v@x.y"
	if err := s.Send(t.Context(), m); !fault.Is(err, fault.Internal) {
		t.Errorf("id: %v", err)
	}
	if n := len(sink.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	m = message()
	m.To = "Ａda@ＡＣＭＥ.example"
	m.Subject = "Demo\r\nBcc: v@x.y\r\n\r\n=?utf-8?q?hidden?= ok"
	m.Text = "Hi\r\n.\r\nMAIL FROM:<v@x.y>\r\n"
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := sink.Mails()[0]
	if diff := cmp.Diff([]string{"ada@acme.example"}, got.To); diff != "" || got.Header.Get("Bcc") != "" {
		t.Errorf("%s, Bcc %q", diff, got.Header.Get("Bcc"))
	}
	text, err := (&mime.WordDecoder{}).DecodeHeader(got.Header.Get("Subject"))
	if want := "Demo Bcc: v@x.y =?utf-8?q?hidden?= ok"; text != want || err != nil {
		t.Errorf("subject %q, %v", text, err)
	}
}

func TestSend_saysWhetherTryingAgainHelps(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	s := sender(t, mail.Config{Host: sink.Host, Port: sink.Port})
	for code, want := range map[int]fault.Kind{451: fault.Unavailable, 421: fault.Unavailable, 550: fault.Invalid, 552: fault.Invalid} {
		sink.Refuse(code)
		if err := s.Send(t.Context(), message()); !fault.Is(err, want) || !strings.Contains(err.Error(), fmt.Sprint(code)) {
			t.Errorf("%d: %v", code, err)
		}
	}
	sink.Refuse(0)
	if err := s.Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
	dead := sender(t, mail.Config{Host: "127.0.0.1", Port: 1})
	if err := dead.Send(t.Context(), message()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	if n := len(sink.Mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestSend_ofAServerThatHangsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, script := range map[string][]string{
		"before the greeting": nil,
		"in the dialogue":     {"220 hello\r\n"},
		"at the recipient":    {"220 hello\r\n", "250 ok\r\n", "250 ok\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				in := bufio.NewReader(conn)
				for i, line := range script {
					if i > 0 {
						_, _ = in.ReadString('\n')
					}
					_, _ = conn.Write([]byte(line))
				}
				cancel()
			}()
			s := sender(t, mail.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
			if err := s.Send(ctx, message()); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSend_overTLSWithALogin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := authority(t, dir)
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte("cusp:correct-horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for security, option := range map[mail.Security]string{mail.StartTLS: "--smtp-require-starttls", mail.TLS: "--smtp-require-tls"} {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			sink := mailtest.Start(t, option, "--smtp-tls-cert", cert, "--smtp-tls-key", key, "--smtp-auth-file", users)
			c := mail.Config{
				Host: sink.Host, Port: sink.Port, User: "cusp", Password: "wrong", Security: security,
				Trust: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			}
			if err := sender(t, c).Send(t.Context(), message()); !fault.Is(err, fault.Unavailable) {
				t.Errorf("wrong password: %v", err) // for the operator to mend: the mail waits
			}
			c.Password = "correct-horse"
			if err := sender(t, c).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			strangers := c
			strangers.Trust = nil
			if err := sender(t, strangers).Send(t.Context(), message()); !fault.Is(err, fault.Unavailable) {
				t.Errorf("a certificate of nobody we trust: %v", err)
			}
			if n := len(sink.Mails()); n != 1 {
				t.Errorf("%d mails", n)
			}
		})
	}
	plain := mailtest.Start(t)
	s := sender(t, mail.Config{Host: plain.Host, Port: plain.Port, Security: mail.StartTLS})
	if err := s.Send(t.Context(), message()); !fault.Is(err, fault.Unavailable) || len(plain.Mails()) > 0 {
		t.Errorf("a server without TLS: %v", err)
	}
}

// authority makes a certificate for 127.0.0.1 that signs itself.
func authority(t *testing.T, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, text := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return cert, key, pool
}

func TestNew_refusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]mail.Config{
		"no host":     {Security: mail.None, From: "a@b.example"},
		"no sender":   {Security: mail.None, Host: "h"},
		"bad sender":  {Security: mail.None, Host: "h", From: "Cusp <a@b>"},
		"bad name":    {Security: mail.None, Host: "h", From: "Cusp\r\nBcc: x@y.example <a@b.example>"},
		"no security": {Host: "h", From: "a@b.example"},
	} {
		if _, err := mail.New(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSubjectsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "subject")
		line := mail.OneLine(s, 300)
		if strings.ContainsAny(line, "\r\n") || len(line) > 300 || mail.OneLine(line, 300) != line {
			t.Fatalf("one line: %q", line)
		}
		header := mail.EncodeSubject(line)
		for part := range strings.SplitSeq(header, "\r\n") {
			if len(part) > 76 || strings.ContainsAny(part, "\r\n") {
				t.Fatalf("line %q", part)
			}
		}
		back, err := (&mime.WordDecoder{}).DecodeHeader(strings.ReplaceAll(header, "\r\n", ""))
		if err != nil || back != line {
			t.Fatalf("%q came back as %q, %v", line, back, err)
		}
	})
}
