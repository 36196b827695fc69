package playbook

import "testing"

func BenchmarkParse(b *testing.B) {
	src := read(b, "acme.yaml")
	for b.Loop() {
		if p, _ := Parse("acme.yaml", src); p == nil {
			b.Fatal("refused")
		}
	}
}
