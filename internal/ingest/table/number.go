package table

import (
	"encoding/json"
	"errors"
	"strings"
)

// numberFormat says which characters group digits and which one begins the fraction.
type numberFormat struct {
	group   string // characters that are skipped between digits
	decimal byte
}

// numberFormats by the sample that a mapping shows.
func parseNumberFormat(sample string) (numberFormat, bool) {
	switch sample {
	case "plain", "1234.5":
		return numberFormat{"", '.'}, true
	case "1,234.5":
		return numberFormat{",", '.'}, true
	case "1.234,5":
		return numberFormat{".", ','}, true
	case "1 234,5":
		return numberFormat{" \u00a0\u202f", ','}, true
	case "1'234.5":
		return numberFormat{"'\u2019", '.'}, true
	case "1234,5":
		return numberFormat{"", ','}, true
	}
	return numberFormat{}, false
}

const numberSamples = `"1234.5", "1,234.5", "1.234,5", "1 234,5", "1'234.5" or "1234,5"`

var errNumber = errors.New("is not a number of that form")

// parse reads a number with its sign; currency signs around it are skipped. Digits are kept as they
// stand, so that nothing is rounded.
func (f numberFormat) parse(s string) (json.Number, error) {
	s = strings.Trim(s, " \u00a0$€£¥")
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = "-"
		}
		s = strings.TrimLeft(s[1:], " \u00a0$€£¥")
	}
	whole, fraction, hasFraction := strings.Cut(s, string(f.decimal))
	whole, err := f.ungroup(whole)
	if err != nil || whole == "" || (hasFraction && !digits(fraction)) {
		return "", errNumber
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	fraction = strings.TrimRight(fraction, "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	if whole == "0" && fraction == "" {
		sign = ""
	}
	if len(whole)+len(fraction) > 40 {
		return "", errNumber
	}
	return json.Number(sign + whole + fraction), nil
}

// ungroup drops the group separators; after the first one every group has three digits.
func (f numberFormat) ungroup(s string) (string, error) {
	groups := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(f.group, r) })
	for i, g := range groups {
		if !digits(g) || (i > 0 && len(g) != 3) || (i == 0 && len(groups) > 1 && len(g) > 3) {
			return "", errNumber
		}
	}
	return strings.Join(groups, ""), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
