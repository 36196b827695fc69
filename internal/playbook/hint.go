package playbook

// Suggest is a hint for a word that is none of the candidates: the one that was most likely meant, else
// all of them when they are few, else nothing.
func Suggest(word string, candidates []string) string { return didYouMean(word, candidates) }
