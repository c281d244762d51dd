// Package web runs functions that take requests.
package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"taibai.worker/function"
	"taibai.worker/wire"
)

// A longer answer is streamed, and so is one from where it is flushed.
const longestInOnePiece = 256 * 1024

// Handler of requests as a function.
func Handler(handle func(http.ResponseWriter, *http.Request)) function.Web {
	return func(call *function.Call) (function.Answer, error) {
		request, err := requestOf(call)
		if err != nil {
			return function.Answer{}, err
		}
		answer := &answer{call: call, header: http.Header{}}
		handle(answer, request)
		return answer.end()
	}
}

func requestOf(call *function.Call) (*http.Request, error) {
	asked := call.Request()
	if asked == nil {
		asked = &function.Request{Method: "POST", Target: "/"}
	}
	body := call.Body()
	request, err := http.NewRequestWithContext(call.Context(), asked.Method, asked.Target, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return nil, err
	}
	// As a server reads it: of two slashes at its beginning the second begins no name of a host.
	if request.URL, err = url.ParseRequestURI(asked.Target); err != nil {
		return nil, err
	}
	for _, header := range asked.Headers {
		request.Header.Add(header[0], header[1])
	}
	request.Host = request.Header.Get("Host")
	request.Header.Del("Host")
	request.RequestURI = asked.Target
	request.ContentLength = int64(len(body))
	if caller, _, _ := strings.Cut(request.Header.Get("X-Forwarded-For"), ","); caller != "" {
		// Handlers take an address and a port apart; the port is not known.
		request.RemoteAddr = net.JoinHostPort(strings.TrimSpace(caller), "0")
	}
	return request, nil
}

// answer is the http.ResponseWriter of a call, and its http.Flusher.
type answer struct {
	call    *function.Call
	header  http.Header
	status  int
	kept    bytes.Buffer
	isBegun bool
	failed  error
}

func (answer *answer) Header() http.Header { return answer.header }

func (answer *answer) WriteHeader(status int) {
	if answer.status == 0 && status >= 200 {
		answer.status = status
	}
}

func (answer *answer) Write(piece []byte) (int, error) {
	answer.WriteHeader(http.StatusOK)
	if answer.header.Get("Content-Type") == "" && answer.kept.Len() == 0 && !answer.isBegun {
		answer.header.Set("Content-Type", http.DetectContentType(piece))
	}
	if answer.isBegun {
		return answer.pass(piece)
	}
	answer.kept.Write(piece)
	if answer.kept.Len() > longestInOnePiece {
		answer.Flush()
	}
	return len(piece), answer.failed
}

func (answer *answer) Flush() { answer.FlushError() }

func (answer *answer) FlushError() error {
	answer.WriteHeader(http.StatusOK)
	if !answer.isBegun {
		answer.isBegun = true
		answer.call.Begin(answer.head())
	}
	answer.pass(answer.kept.Bytes())
	answer.kept.Reset()
	return answer.failed
}

func (answer *answer) pass(piece []byte) (int, error) {
	if answer.failed != nil {
		return 0, answer.failed
	}
	var written int
	written, answer.failed = answer.call.Write(piece)
	return written, answer.failed
}

func (answer *answer) end() (function.Answer, error) {
	answer.WriteHeader(http.StatusOK)
	if !answer.isBegun {
		fields := `"value":"bytes","http":` + string(answer.head()) + ","
		return function.Answer{Kind: wire.Result, Fields: fields, Body: answer.kept.Bytes()}, nil
	}
	if answer.failed != nil && !errors.Is(answer.failed, function.ErrGone) {
		return function.Answer{}, answer.failed
	}
	return function.Answer{Kind: wire.End}, nil
}

// Status and headers as JSON.
func (answer *answer) head() []byte {
	names := make([]string, 0, len(answer.header))
	for name := range answer.header {
		names = append(names, name)
	}
	sort.Strings(names)
	pairs := [][2]string{}
	for _, name := range names {
		for _, value := range answer.header[name] {
			pairs = append(pairs, [2]string{strings.ToLower(name), value})
		}
	}
	text, _ := json.Marshal(map[string]interface{}{"status": answer.status, "headers": pairs})
	return text
}
