package fault

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest is the candidate that a person most likely meant by a mistyped word; empty when none is near.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := Distance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Suggest is a hint for a word that is none of the candidates: the one that was most likely meant, else
// all of them when they are few, else nothing.
func Suggest(word string, candidates []string) string {
	if c := Nearest(word, candidates); c != "" {
		return fmt.Sprintf("did you mean %s?", c)
	}
	if len(candidates) == 0 || len(candidates) > 16 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "known are: " + strings.Join(sorted, ", ")
}

// Distance is the number of insertions, deletions, substitutions and swaps of neighbours between two
// words (optimal string alignment).
func Distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	if len(ra) > 64 || len(rb) > 64 {
		return len(ra) + len(rb)
	}
	before, previous := make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range ra {
		current := make([]int, len(rb)+1)
		current[0] = i + 1
		for j := range rb {
			cost := 1
			if ra[i] == rb[j] {
				cost = 0
			}
			current[j+1] = min(previous[j+1]+1, current[j]+1, previous[j]+cost)
			if i > 0 && j > 0 && ra[i] == rb[j-1] && ra[i-1] == rb[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
		before, previous = previous, current
	}
	return previous[len(rb)]
}
