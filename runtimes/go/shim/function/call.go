package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"taibai.worker/wire"
)

// What a streamed answer may send before it has to wait, and how much of it goes in one frame.
const (
	firstCredit  = 1024 * 1024
	longestChunk = 256 * 1024
)

// ErrGone is of an answer that nobody reads any more.
var ErrGone = errors.New("nobody waits for the answer any more")

// callMeta is the meta of CALL.
type callMeta struct {
	ExecutionID string `json:"execution_id"`
	DeadlineMs  int64  `json:"deadline_ms"`
	Trigger     string
	Input       string
	Traceparent string
	HTTP        *Request
}

// Request is what was asked over HTTP.
type Request struct {
	Method  string
	Target  string
	Prefix  string
	URL     string
	Headers [][2]string
	// Of webhooks whose input is not it: in base64, null when it was too long.
	Body json.RawMessage
}

// Call is one run of the function, to the frame that ends it.
type Call struct {
	worker *worker
	number uint32
	told   callMeta
	body   []byte
	ctx    context.Context
	stop   context.CancelFunc

	started  time.Time
	cpuStart time.Duration

	lock    sync.Mutex
	granted *sync.Cond
	credit  int64
	isGone  bool
}

// Request as it was asked; nil: not over HTTP.
func (call *Call) Request() *Request { return call.told.HTTP }

// Body is the bytes of the input.
func (call *Call) Body() []byte { return call.body }

// Context of the call, which fires when nobody waits for its answer any more.
func (call *Call) Context() context.Context { return &callContext{call.ctx, call} }

// Whatever the function does fails its call, not the worker.
func (call *Call) run() {
	defer call.stop()
	call.started, call.cpuStart = time.Now(), cpuTime()
	isOver, printed := false, printing.begin(call)
	defer printed()
	defer func() {
		if thrown := recover(); thrown != nil {
			call.fail(panicked(thrown))
		} else if !isOver {
			call.fail(Refusal{"GoroutineEnded", "the function ended the goroutine that ran it (runtime.Goexit)"})
		}
	}()
	if call.worker.handler == nil {
		call.fail(Refusal{"NotBound", "the function could not be loaded"})
	} else if answer, err := call.worker.handler(call); err != nil {
		call.fail(err)
	} else {
		call.end(answer)
	}
	isOver = true
}

// Answer is the frame that ends a call: its kind, fields of its meta with a comma each, its body.
type Answer struct {
	Kind   byte
	Fields string
	Body   []byte
}

func (call *Call) fail(err error) {
	fields := said(err)
	call.end(Answer{Kind: wire.Failed, Fields: fields[1:len(fields)-1] + ","})
}

func (call *Call) end(answer Answer) {
	worker := call.worker
	worker.lock.Lock()
	delete(worker.calls, call.number)
	isLast := worker.leaving && len(worker.calls) == 0
	worker.lock.Unlock()
	last := ""
	if isLast {
		last = `"last":true,`
	}
	worker.send(answer.Kind, call.number, "{"+last+answer.Fields+call.usage()+"}", answer.Body)
	if isLast {
		worker.leave()
	}
}

func (call *Call) usage() string {
	ran, used := time.Since(call.started), cpuTime()-call.cpuStart
	peak, stalled := call.worker.meter.read()
	return fmt.Sprintf(`%s"run_ms":%s,"cpu_ms":%s,"memory_peak_bytes":%d`, stalled, milliseconds(ran), milliseconds(used), peak)
}

func (call *Call) cancel() {
	call.lock.Lock()
	call.isGone = true
	call.lock.Unlock()
	call.stop()
	call.granted.Broadcast()
}

func (call *Call) grant(bytes int64) {
	call.lock.Lock()
	call.credit += bytes
	call.lock.Unlock()
	call.granted.Broadcast()
}

// Begin sends the head of a streamed answer, as JSON.
func (call *Call) Begin(head []byte) {
	call.worker.send(wire.Head, call.number, string(head), nil)
}

// Write sends a piece of a streamed answer as its reader takes it.
func (call *Call) Write(piece []byte) (int, error) {
	written := 0
	for written < len(piece) {
		size, err := call.take(len(piece) - written)
		if err != nil {
			return written, err
		}
		call.worker.send(wire.Chunk, call.number, "", piece[written:written+size])
		written += size
	}
	return written, nil
}

func (call *Call) take(wanted int) (int, error) {
	call.lock.Lock()
	defer call.lock.Unlock()
	for call.credit <= 0 && !call.isGone {
		call.granted.Wait()
	}
	if call.isGone {
		return 0, ErrGone
	}
	size := wanted
	if size > longestChunk {
		size = longestChunk
	}
	if int64(size) > call.credit {
		size = int(call.credit)
	}
	call.credit -= int64(size)
	return size, nil
}

func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// The frames of the function alone: neither those of this package nor of the language.
func stackOf(skip int) string {
	var places [100]uintptr
	frames := runtime.CallersFrames(places[:runtime.Callers(skip, places[:])])
	var lines strings.Builder
	for {
		frame, isMore := frames.Next()
		if isOwn(frame.Function) {
			fmt.Fprintf(&lines, "%s(...)\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
		}
		if !isMore {
			return strings.TrimRight(lines.String(), "\n")
		}
	}
}

func isOwn(function string) bool {
	return !strings.HasPrefix(function, "runtime.") && !strings.HasPrefix(function, "reflect.") && !strings.Contains(function, "zz_taibai/")
}
