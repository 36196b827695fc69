package table

import (
	"strconv"
	"time"
)

// Progress is one look at a running import.
type Progress struct {
	Rows    int           // read so far
	Read    int64         // bytes of the file read so far
	Size    int64         // bytes of the file; 0 when unknown
	Elapsed time.Duration // since the first row
}

// String is the progress on one line: rows, rate and, once it can be told, the time left.
func (p Progress) String() string {
	line := grouped(p.Rows) + " rows"
	seconds := p.Elapsed.Seconds()
	if seconds < 1 {
		return line
	}
	line += " · " + grouped(int(float64(p.Rows)/seconds)) + " rows/s"
	if p.Size <= 0 || p.Read <= 0 || p.Read >= p.Size {
		return line
	}
	left := time.Duration(float64(p.Elapsed) * float64(p.Size-p.Read) / float64(p.Read))
	return line + " · " + roughly(left) + " left"
}

// grouped writes a count with thin groups of thousands, as people read it.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// roughly rounds a duration to what somebody waiting wants to know.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds()+0.999)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes()+0.5)) + " min"
	}
	return strconv.Itoa(int(d.Hours())) + " h " + strconv.Itoa(int(d.Minutes())%60) + " min"
}
