// Package web is the http function of the conformance list.
package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func Main(w http.ResponseWriter, r *http.Request) {
	number := func(name string) int {
		value, _ := strconv.Atoi(r.URL.Query().Get(name))
		return value
	}
	switch r.URL.Path {
	case "/hello":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Conformance", "yes")
		fmt.Fprint(w, "hello")
	case "/echo":
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		io.Copy(w, r.Body)
	case "/stream":
		stream(w, number("chunks"), number("bytes"), time.Duration(number("ms"))*time.Millisecond)
	case "/status":
		w.WriteHeader(number("code"))
	case "/throw":
		panic("thrown by a web function")
	case "/print":
		fmt.Println("web log")
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

func stream(w http.ResponseWriter, chunks, bytes int, pause time.Duration) {
	for chunk := 0; chunk < chunks; chunk++ {
		if chunk > 0 {
			time.Sleep(pause)
		}
		if _, err := io.WriteString(w, strings.Repeat("a", bytes)); err != nil {
			return
		}
		w.(http.Flusher).Flush()
	}
}
