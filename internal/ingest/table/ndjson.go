package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// jsonReader reads one JSON object per line, and of a line that is too long no more than the limit.
type jsonReader struct {
	src  *bufio.Reader
	line int
	buf  []byte
}

func (j *jsonReader) next() (*record, error) {
	for {
		j.line++
		long, err := j.readLine()
		if err != nil {
			return nil, err
		}
		rec := &record{line: j.line}
		text := bytes.TrimSpace(j.buf)
		if len(text) == 0 && !long {
			continue
		}
		switch {
		case long:
			rec.reject("row_too_large", "the line is larger than %d KiB", maxRecord>>10)
		case bytes.IndexByte(text, 0) >= 0:
			rec.reject("nul_byte", "the row holds a NUL byte")
		default:
			rec.object, err = parseObject(text)
			if err != nil {
				rec.reject("bad_json", "the line is not a JSON object: %v", err)
			}
		}
		if rec.object == nil {
			rec.cells = []string{string(text[:min(len(text), maxCell)])}
		}
		return rec, nil
	}
}

// readLine fills buf with the next line; long says that it was cut at maxRecord.
func (j *jsonReader) readLine() (long bool, err error) {
	j.buf = j.buf[:0]
	for read := 0; ; {
		part, err := j.src.ReadSlice('\n')
		read += len(part)
		if room := maxRecord - len(j.buf); len(part) > room {
			part, long = part[:room], true
		}
		j.buf = append(j.buf, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && read > 0:
			return long, nil
		case errors.Is(err, io.EOF):
			return false, io.EOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return false, damaged(err)
		}
	}
}

// parseObject reads one object and keeps the digits of its numbers.
func parseObject(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, errors.New("it is null")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return object, nil
}
