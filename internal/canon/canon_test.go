package canon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/canon"
	"cusp/internal/fault"
)

func canonical(t *testing.T, src string) string {
	t.Helper()
	out, err := canon.Append(nil, []byte(src))
	if err != nil {
		t.Fatalf("%.80s: %v", src, err)
	}
	return string(out)
}

func TestAppend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"white space", " {\n\t\"b\" : 1 ,\r\"a\":[ ] , \"c\" : { } } ", `{"a":[],"b":1,"c":{}}`},
		{"keys bytewise", `{"b":1,"B":2,"aa":3,"a":4,"é":5}`, `{"B":2,"a":4,"aa":3,"b":1,"é":5}`},
		{"long keys", `{"abcdefghZ":1,"abcdefghA":2,"abcdefgh":3}`, `{"abcdefgh":3,"abcdefghA":2,"abcdefghZ":1}`},
		{"last of a repeated key", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"escaped key is the same key", `{"a":1,"\u0061":2}`, `{"a":2}`},
		{"keys differ by case", `{"userId":"a","USERID":"b"}`, `{"USERID":"b","userId":"a"}`},
		{"digits kept", `[9007199254740993,1.0,1E5,-0,0.10]`, `[9007199254740993,1.0,1E5,-0,0.10]`},
		{"fewest escapes", `"\u0041\/\"\\\n\u001f<&\u2028"`, "\"A/\\\"\\\\\\n\\u001f<&\u2028\""},
		{"surrogate pair", `"\ud83d\ude00"`, `"😀"`},
		{"lone surrogates", `["\ud800","\udc00x","\ud800\ud800\u0041"]`, "[\"\uFFFD\",\"\uFFFDx\",\"\uFFFD\uFFFDA\"]"},
		{"NUL", `"a\u0000b"`, "\"a\uFFFDb\""},
		{"not UTF-8", "[\"\xff\xfe\",\"é\xc3\"]", "[\"\uFFFD\uFFFD\",\"é\uFFFD\"]"},
		{"byte order mark", "\xEF\xBB\xBF{}", `{}`},
		{"words", `[true,false,null]`, `[true,false,null]`},
		{"prototype keys are keys", `{"__proto__":{"admin":true},"constructor":1}`, `{"__proto__":{"admin":true},"constructor":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := canonical(t, c.in); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		``, ` `, `{`, `[`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `[1,]`, `[1 2]`, `{a:1}`, `{"a" 1}`, `{1:2}`,
		`NaN`, `Infinity`, `-Infinity`, `0x10`, `.5`, `1.`, `1e`, `1e+`, `-`, `+1`, `01`, `-01`, `00`, `tru`, `nul`, `True`,
		`"a`, "\"\n\"", "\"\x00\"", `"\x"`, `"\u12"`, `"\u12g4"`, `"\`, `{} {}`, `{}x`, `'a'`, "\xff", "{}\x00", `]`, `}`,
		`{"type":"track"`, `[}`, `{]`, "\xEF\xBB{}", "/**/{}",
	} {
		var tree canon.Tree
		if _, err := tree.Parse([]byte(src)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: error %v, want Invalid", src, err)
		}
		if _, err := canon.Decode([]byte(src)); err == nil {
			t.Errorf("%q was decoded", src)
		}
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestErr_isOfTheNodeThatHoldsIt(t *testing.T) {
	t.Parallel()
	src := fmt.Sprintf(`{"batch":[{"n":1e400,"ok":{}},{"deep":%s},{"deeper":%s},{"n":1,"a":%s},{"n":-1e999,"n":2}]}`,
		nested(32), nested(500), nested(31))
	var tree canon.Tree
	doc, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := []error{canon.ErrBadNumber, canon.ErrTooDeep, canon.ErrTooDeep, nil, nil}
	for i, w := range want {
		if got := doc.Get("batch").At(i).Err(); !errors.Is(got, w) {
			t.Errorf("item %d: %v, want %v", i, got, w)
		}
	}
	if err := doc.Get("batch").At(0).Get("ok").Err(); err != nil {
		t.Errorf("a sound member of a bad item: %v", err)
	}
	out, err := canon.Append(nil, doc.Append(nil))
	if !errors.Is(err, canon.ErrTooDeep) || out != nil {
		t.Errorf("the whole: %s, %v", out, err)
	}
	if got := doc.Get("batch").At(2).Append(nil); !bytes.Contains(got, []byte(nested(500))) {
		t.Errorf("what is too deep is not written as it was sent: %s", got)
	}
}

//nolint:paralleltest // the size of the stack is the whole process's
func TestParse_tenThousandLevels(t *testing.T) {
	old := debug.SetMaxStack(256 << 10)
	defer debug.SetMaxStack(old)
	for _, src := range []string{nested(10_001), strings.Repeat(`{"a":`, 500_000), strings.Repeat("[", 1_000_000)} {
		var tree canon.Tree
		if _, err := tree.Parse([]byte(src)); !errors.Is(err, canon.ErrTooDeep) {
			t.Errorf("%.20s: %v", src, err)
		}
		if _, err := canon.Decode([]byte(`{"a":` + src)); !errors.Is(err, canon.ErrTooDeep) {
			t.Errorf("decode %.20s: %v", src, err)
		}
	}
}

func TestNumbers_atTheEdgeOfFloat64(t *testing.T) {
	t.Parallel()
	for n, ok := range map[string]bool{
		"1.7976931348623157e308": true, "1.7976931348623159e308": false, "-1e309": false, "1e-999": true, "0e999999": true,
		strings.Repeat("9", 308): true, strings.Repeat("9", 309): false, "1" + strings.Repeat("0", 309) + "e-10": true,
		"0." + strings.Repeat("1", 400): true,
	} {
		_, err := canon.Append(nil, []byte(n))
		if (err == nil) != ok {
			t.Errorf("%.30s…: %v", n, err)
		}
		if _, err := canon.Decode([]byte(`{"n":` + n + `}`)); (err == nil) != ok {
			t.Errorf("decode %.30s…: %v", n, err)
		}
	}
}

func TestNode_accessors(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	doc, err := tree.Parse([]byte(`{"z":{"list":[1,"two"]},"s":"a\tb","n":12.50,"t":true,"no":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.Get("z", "list").At(1).Text(); got != "two" {
		t.Errorf("path: %q", got)
	}
	if got := doc.Get("s").Text() + doc.Get("n").Text() + doc.Get("t").Text() + doc.Get("absent", "x").Text(); got != "a\tb12.50" {
		t.Errorf("text: %q", got)
	}
	kinds := []canon.Kind{doc.Kind(), doc.Get("z", "list").Kind(), doc.Get("no").Kind(), doc.Get("t").Kind(), doc.Get("y").Kind(), doc.Get("s", "x").Kind()}
	want := []canon.Kind{canon.Object, canon.Array, canon.Null, canon.True, canon.Missing, canon.Missing}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if got, want := doc.Get("z", "list").Size(), len(`[1,"two"]`); got != want {
		t.Errorf("size %d, want %d", got, want)
	}
	if string(doc.Key(0)) != "n" || doc.Len() != 5 {
		t.Errorf("key %s of %d", doc.Key(0), doc.Len())
	}
}

func TestTree_buildsObjects(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	doc, err := tree.Parse([]byte(`{"item":{"a":1,"context":{"ip":"x","z":{"deep":1}}},"base":{"ip":"y","lib":{"n":1e999},"zz":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	item := doc.Get("item")
	merged := tree.With(item, "context", item.Get("context").Merge(doc.Get("base")))
	merged = tree.With(tree.With(merged, "a", canon.Node{}), "type", tree.String("tr\x00\"ack\xff"))
	want := `{"context":{"ip":"x","lib":{"n":1e999},"z":{"deep":1},"zz":2},"type":"tr` + "\uFFFD" + `\"ack` + "\uFFFD" + `"}`
	if got := string(merged.Append(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !errors.Is(merged.Err(), canon.ErrBadNumber) || item.Err() != nil {
		t.Errorf("faults: %v, %v", merged.Err(), item.Err())
	}
	if got := string(tree.With(canon.Node{}, "k", doc.Get("base", "zz")).Append(nil)); got != `{"k":2}` {
		t.Errorf("from nothing: %s", got)
	}
	if got := string(canon.Node{}.Merge(doc.Get("base", "lib")).Append(nil)); got != `{"n":1e999}` {
		t.Errorf("into nothing: %s", got)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	src := []byte(canonical(t, `{"a":"x\"}","b":{"c":[1,{"d":"]"}],"a":0},"e":-1.5,"f":true,"g\"":[],"h":"é\\"}`))
	for key, want := range map[string]string{
		"a": `"x\"}"`, "b": `{"a":0,"c":[1,{"d":"]"}]}`, "e": "-1.5", "f": "true", "h": `"é\\"`, "c": "", "z": "",
	} {
		if got := string(canon.Lookup(src, key)); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	if got := canon.Lookup([]byte("{}"), "a"); got != nil {
		t.Errorf("of nothing: %s", got)
	}
}

// drawJSON makes a document with repeated and unsorted keys, as encoding/json would not.
func drawJSON(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{"true", "false", "null", "0", "-1.50", "1e2", "123456789012345678901"}).Draw(t, "word")
	case 1, 2, 3, 4:
		b, _ := json.Marshal(rapid.String().Draw(t, "text"))
		return string(b)
	case 5:
		items := make([]string, rapid.IntRange(0, 5).Draw(t, "items"))
		for i := range items {
			items[i] = drawJSON(t, depth-1)
		}
		return "[" + strings.Join(items, " , ") + "]"
	}
	items := make([]string, rapid.IntRange(0, 40).Draw(t, "members"))
	for i := range items {
		key, _ := json.Marshal(rapid.StringMatching(`[a-cé"]{0,9}`).Draw(t, "key"))
		items[i] = string(key) + " : " + drawJSON(t, 0)
	}
	return "{" + strings.Join(items, ",") + "}"
}

func TestAppend_agreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { compare(rt, []byte(drawJSON(rt, 4))) })
}

type reporter interface {
	Fatalf(format string, args ...any)
}

func oracle(src []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// compare checks one input against encoding/json and for idempotence.
func compare(t reporter, src []byte) {
	var tree canon.Tree
	n, err := tree.Parse(src)
	plain := bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF"))
	if (err == nil) != json.Valid(plain) && !errors.Is(err, canon.ErrTooDeep) {
		t.Fatalf("%q: error %v, encoding/json says valid: %v", src, err, json.Valid(plain))
	}
	if err != nil {
		return
	}
	out := n.Append(nil)
	again, err := tree.Parse(bytes.Clone(out))
	if err != nil {
		t.Fatalf("%q: %q does not parse: %v", src, out, err)
	}
	if twice := again.Append(nil); again.Err() == nil && !bytes.Equal(twice, out) {
		t.Fatalf("not idempotent: %q, %q", out, twice)
	}
	if bytes.Contains(src, []byte(`\u0000`)) || again.Err() != nil {
		return
	}
	want, err := oracle(plain)
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	got, err := oracle(out)
	if err != nil {
		t.Fatalf("oracle on %q: %v", out, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q: %s", src, diff)
	}
	decoded(t, src, out)
}

// decoded checks that Decode agrees with encoding/json on the canonical text.
func decoded(t reporter, src, out []byte) {
	var want any
	if err := json.Unmarshal(out, &want); err != nil {
		return
	}
	object, ok := want.(map[string]any)
	got, err := canon.Decode(src)
	if ok != (err == nil) {
		t.Fatalf("decode %q: %v", src, err)
	}
	if !ok {
		return
	}
	if diff := cmp.Diff(object, got); diff != "" {
		t.Fatalf("decode %q: %s", src, diff)
	}
	for key := range object {
		raw := canon.Lookup(out, key)
		var v any
		if bytes.ContainsAny([]byte(key), "\"\\") || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' }) {
			continue
		}
		if err := json.Unmarshal(raw, &v); err != nil || !cmp.Equal(v, object[key]) {
			t.Fatalf("lookup %q in %q: %q", key, out, raw)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2,{"b":null}],"a":"\ud83d\ude00"}`, "\xEF\xBB\xBF[]", `"\ud800\udc00\ud800"`, "\"\xff\"", `1e400`, nested(40), `{"":{"":1}}`,
		`[1,-0.0e-5,"\\\"",true,false,null]`, `{"aaaaaaaab":1,"aaaaaaaaa":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { compare(t, src) })
}

// message is what analytics.js sends, shortened.
const message = `{"timestamp":"2026-11-22T02:05:08.320Z","integrations":{"Segment.io":true},"type":"page","properties":{"path":"/pricing","referrer":"https://duckduckgo.com/","search":"?utm_source=news","title":"Pricing – Kit","url":"http://127.0.0.1:35147/pricing?utm_source=news","category":"Marketing","name":"Pricing"},"category":"Marketing","name":"Pricing","context":{"page":{"path":"/pricing","referrer":"https://duckduckgo.com/","title":"Pricing – Kit","url":"http://127.0.0.1:35147/pricing?utm_source=news"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","userAgentData":{"brands":[{"brand":"Not:A-Brand","version":"8"},{"brand":"Chromium","version":"156"}],"mobile":false,"platform":"Linux"},"locale":"en-GB","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"campaign":{"source":"news","medium":"email","name":"launch"},"timezone":"Europe/London"},"messageId":"ajs-next-1795313108320-ea4288cc-218a-4a4c-b7bb-3ec0abd40448","anonymousId":"4288cc21-8aea-4cf7-bb3e-c0abd4044899","writeKey":"kit_write_key","userId":null,"sentAt":"2026-11-22T02:05:08.330Z"}`

func BenchmarkAppend(b *testing.B) {
	src, dst := []byte(message), make([]byte, 0, 4096)
	var tree canon.Tree
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		n, err := tree.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		dst = n.Append(dst[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	src := []byte(message)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canon.Decode(src); err != nil {
			b.Fatal(err)
		}
	}
}
