package mail

import (
	"encoding/base64"
	stdmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"cusp/internal/domains"
	"cusp/internal/fault"
)

// Message is one e-mail to one recipient.
type Message struct {
	// ID is the same in every attempt. It becomes the Message-ID, so it is made of letters, digits and
	// . _ - only.
	ID      string
	To      string // one bare address
	Name    string // of the recipient; may be empty
	Subject string // any text
	Text    string
	HTML    string // must be safe already: made with html/template
	Date    time.Time
}

// The longest parts of a message, in bytes. What is longer is cut, texts are refused.
const (
	maxSubject = 300
	maxName    = 200
	maxID      = 100
	maxText    = 1 << 20
)

type mailbox struct{ name, address string }

func (m mailbox) domain() string { _, d, _ := strings.Cut(m.address, "@"); return d }

// parseFrom reads the sender of the configuration: "Name <address>" or an address.
func parseFrom(text string) (mailbox, error) {
	name, address := "", strings.TrimSpace(text)
	if at := strings.LastIndexByte(address, '<'); at >= 0 && strings.HasSuffix(address, ">") {
		name, address = strings.Trim(strings.TrimSpace(address[:at]), `"`), address[at+1:len(address)-1]
	}
	return newMailbox(name, address)
}

func newMailbox(name, address string) (mailbox, error) {
	a, err := domains.Normalize(address)
	if err != nil {
		return mailbox{}, err
	}
	if !utf8.ValidString(name) || len(name) > maxName || strings.ContainsFunc(name, unprintable) {
		return mailbox{}, fault.New(fault.Invalid, "This is not a name that can stand in a mail header.").WithCode("bad_name").
			WithHint("Write it on one line, without control characters.")
	}
	return mailbox{name, a.String()}, nil
}

// unprintable holds for what may end a header or turn the direction of what follows it.
func unprintable(r rune) bool {
	return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029'
}

// build writes a message.
func (s *Sender) build(m Message) (*gomail.Msg, error) {
	to, err := newMailbox(m.Name, m.To)
	if err != nil {
		return nil, err
	}
	if m.ID == "" || len(m.ID) > maxID || strings.ContainsFunc(m.ID, notInID) {
		return nil, fault.New(fault.Internal, "a mail has the id %q", oneLine(m.ID, maxID))
	}
	if len(m.Text) > maxText || len(m.HTML) > maxText {
		return nil, fault.New(fault.Invalid, "a mail is longer than %d bytes", maxText).WithCode("mail_too_long")
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&stdmail.Address{Name: s.from.name, Address: s.from.address})
	msg.ToMailAddress(&stdmail.Address{Name: to.name, Address: to.address})
	msg.EnvelopeFromMailAddress(&stdmail.Address{Address: s.from.address})
	msg.SetGenHeaderPreformatted(gomail.HeaderSubject, encodeSubject(oneLine(m.Subject, maxSubject)))
	msg.SetMessageIDWithValue(m.ID + "@" + s.from.domain())
	msg.SetDateWithValue(m.Date.UTC())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetBodyString(gomail.TypeTextPlain, text(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, text(m.HTML))
	}
	return msg, nil
}

func notInID(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
}

// text is a body without what has no place in one.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
}

// oneLine makes any text fit for a header or a log: control characters and runs of space become one
// space, and what is longer than most bytes is cut between two characters.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// maxPlainSubject is the longest subject that needs no folding with "Subject: " before it (RFC 5322
// §2.1.1).
const maxPlainSubject = 68

// encodeSubject is the subject as a header has it (RFC 2047). A subject that looks encoded is encoded, so
// that it is shown as it was written.
func encodeSubject(s string) string {
	plain := len(s) <= maxPlainSubject && !strings.Contains(s, "=?")
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] < utf8.RuneSelf
	}
	if plain {
		return s
	}
	var words []string
	for len(s) > 0 {
		n := min(len(s), 39) // 52 digits in base 64, with what stands around them less than 75 characters
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, "\r\n ")
}
