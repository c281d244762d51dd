// Package function is linked into every function: it goes on with the connection that the starter has opened, finds what the
// entry names, and runs its calls.
//
// A reader walks: worker → link, modules → call → handler (input, result) → context, errors, meter.
package function

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"taibai.worker/wire"
)

const (
	exitTerminated = 143
	// How long a function has for what it does when it is told to go.
	lastWords = 300 * time.Millisecond
	// Of the memory of the function: from there on garbage is collected more eagerly.
	collectFrom = 0.9
)

// worker runs the calls of one function.
type worker struct {
	connection net.Conn
	reader     io.Reader
	writing    sync.Mutex
	told       bindMeta
	handler    Handler
	openstack  openstack
	meter      meter

	lock    sync.Mutex
	calls   map[uint32]*Call
	leaving bool
}

// Serve runs the function that the server asks for, one of these. Never returns.
func Serve(modules []Module) {
	worker := &worker{calls: map[uint32]*Call{}}
	worker.connect()
	printing.takeOver()
	go worker.leaveWhenTold()
	for {
		frame, err := wire.Read(worker.reader)
		if err == nil {
			err = worker.take(frame, modules)
		}
		if errors.Is(err, wire.ErrBroken) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(wire.ExitBroken)
		}
		if err != nil {
			os.Exit(wire.ExitLost)
		}
	}
}

func (worker *worker) take(frame wire.Frame, modules []Module) error {
	switch frame.Kind {
	case wire.Bind:
		return worker.bind(frame, modules)
	case wire.Session:
		return worker.openstack.take(frame)
	case wire.Call:
		return worker.accept(frame)
	case wire.Cancel:
		if call := worker.callOf(frame.Call); call != nil {
			call.cancel()
		}
	case wire.Credit:
		var credit struct{ Bytes int64 }
		if err := frame.Into(&credit); err != nil {
			return err
		}
		if call := worker.callOf(frame.Call); call != nil {
			call.grant(credit.Bytes)
		}
	}
	return nil
}

func (worker *worker) bind(frame wire.Frame, modules []Module) error {
	if worker.told.Signature != "" {
		worker.refuse(Refusal{"AlreadyBound", "a worker is bound once, for life"})
		return nil
	}
	if err := frame.Into(&worker.told); err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" && worker.told.MemoryBytes > 0 {
		debug.SetMemoryLimit(int64(float64(worker.told.MemoryBytes) * collectFrom))
	}
	handler, err := handlerOf(modules, worker.told.Entry, worker.told.Signature)
	if err != nil {
		worker.refuse(err)
		return nil
	}
	worker.handler = handler
	loaded := time.Since(worker.told.started)
	worker.send(wire.Bound, 0, `{"load_ms":`+milliseconds(loaded)+`}`, nil)
	return nil
}

func (worker *worker) refuse(err error) {
	worker.send(wire.BindFailed, 0, said(err), nil)
}

func (worker *worker) accept(frame wire.Frame) error {
	call := &Call{worker: worker, number: frame.Call, body: frame.Body, credit: firstCredit}
	call.granted = sync.NewCond(&call.lock)
	if err := frame.Into(&call.told); err != nil {
		return err
	}
	call.ctx, call.stop = context.WithDeadline(context.Background(), time.UnixMilli(call.told.DeadlineMs))
	worker.lock.Lock()
	worker.calls[call.number] = call
	worker.lock.Unlock()
	go call.run()
	return nil
}

func (worker *worker) callOf(number uint32) *Call {
	worker.lock.Lock()
	defer worker.lock.Unlock()
	return worker.calls[number]
}

func (worker *worker) send(kind byte, call uint32, meta string, body []byte) {
	worker.writing.Lock()
	defer worker.writing.Unlock()
	if err := wire.Write(worker.connection, wire.Frame{Kind: kind, Call: call, Meta: []byte(meta), Body: body}); err != nil {
		os.Exit(wire.ExitLost)
	}
}

// Calls in flight are answered first; a function that listens for the signal, too, has a moment for its last words.
func (worker *worker) leaveWhenTold() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	worker.lock.Lock()
	worker.leaving = true
	isIdle := len(worker.calls) == 0
	worker.lock.Unlock()
	if isIdle {
		worker.leave()
	}
}

func (worker *worker) leave() {
	time.Sleep(lastWords)
	os.Exit(exitTerminated)
}

func milliseconds(took time.Duration) string {
	return strconv.FormatFloat(float64(took)/1e6, 'f', 3, 64)
}

func buffered(from io.Reader) io.Reader { return bufio.NewReaderSize(from, 64*1024) }
