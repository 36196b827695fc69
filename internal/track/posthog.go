package track

import (
	"bytes"

	"cusp/internal/canon"
	"cusp/internal/ingest"
)

// readPostHog reads what PostHog's server SDKs send, as the messages that say the same.
func readPostHog(q *request) error {
	items := q.doc.Get("batch")
	if items.Kind() != canon.Array {
		return badBody("This address takes an object with a list named batch.")
	}
	if items.Len() > MaxEvents {
		return tooMany()
	}
	q.reader.SentAt = q.doc.Get("sent_at")
	for i := range items.Len() {
		item := items.At(i)
		if item.Kind() == canon.Object && item.Size() <= ingest.MaxEvent {
			item = hogMessage(&q.tree, item)
		}
		q.reader.Message(item, 0)
	}
	return nil
}

// hogMessage is a PostHog event in Segment's shape. What has a meaning of its own there becomes the call
// with that meaning; everything else is a track call.
func hogMessage(t *canon.Tree, item canon.Node) canon.Node {
	properties := item.Get("properties")
	m := item
	for _, key := range [...]string{"uuid", "distinct_id"} {
		m = t.With(m, key, canon.Node{})
	}
	m = t.With(m, "messageId", item.Get("uuid"))
	m = t.With(m, hogPerson(item), item.Get("distinct_id"))
	m = t.With(m, "context", hogContext(t, item))
	set := func(kind string) { m = t.With(t.With(m, "type", t.String(kind)), "event", canon.Node{}) }
	switch string(item.Get("event").Bytes()) {
	case "$identify", "$set":
		set("identify")
		m = t.With(m, "traits", firstObject(properties.Get("$set"), item.Get("$set")).Merge(properties.Get("$set_once")))
		m = t.With(m, "anonymousId", properties.Get("$anon_distinct_id"))
	case "$groupidentify":
		set("group")
		m = t.With(t.With(m, "groupId", properties.Get("$group_key")), "traits", properties.Get("$group_set"))
		if bytes.HasPrefix(item.Get("distinct_id").Bytes(), []byte("$")) {
			m = t.With(m, "userId", canon.Node{}) // made up by the SDK for the group itself
		}
	case "$create_alias":
		set("alias")
		m = t.With(m, "previousId", properties.Get("alias"))
	case "$pageview":
		set("page")
		m = t.With(m, "name", properties.Get("title"))
	case "$screen":
		set("screen")
		m = t.With(m, "name", properties.Get("$screen_name"))
	default:
		m = t.With(m, "type", t.String("track"))
	}
	return m
}

// hogPerson is the kind of id that a distinct_id is: a server's events are about known people unless they
// say that no person is to be made.
func hogPerson(item canon.Node) string {
	if item.Get("properties", "$process_person_profile").Kind() == canon.False {
		return "anonymousId"
	}
	return "userId"
}

func hogContext(t *canon.Tree, item canon.Node) canon.Node {
	p := item.Get("properties")
	library := t.With(t.With(t.Object(), "name", p.Get("$lib")), "version", p.Get("$lib_version"))
	c := t.With(t.Object(), "library", library)
	c = t.With(c, "ip", p.Get("$ip"))
	c = t.With(c, "userAgent", p.Get("$raw_user_agent"))
	if url := p.Get("$current_url"); url.Kind() == canon.String {
		c = t.With(c, "page", t.With(t.Object(), "url", url))
	}
	groups := p.Get("$groups")
	group := groups.Get("company")
	if group.Kind() == canon.Missing && groups.Len() > 0 && groups.Kind() == canon.Object {
		group = groups.At(0)
	}
	return t.With(c, "groupId", group)
}

func firstObject(nodes ...canon.Node) canon.Node {
	for _, n := range nodes {
		if n.Kind() == canon.Object {
			return n
		}
	}
	return canon.Node{}
}
