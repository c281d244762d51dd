package function

import (
	"context"
	"log"
	"os"
	"runtime/pprof"
	"sync"
	"unsafe"

	"taibai.worker/wire"
)

// What packages log and log/slog write belongs to the call that wrote it, also when several are under way: the labels of its
// goroutine, which those that it starts inherit, tell which one that is. Other prints go straight to the descriptors.
type prints struct {
	lock  sync.Mutex
	calls map[unsafe.Pointer]*Call
}

//go:linkname labelsOfGoroutine runtime/pprof.runtime_getProfLabel
func labelsOfGoroutine() unsafe.Pointer

const longestLog = 256 * 1024

var printing = &prints{calls: map[unsafe.Pointer]*Call{}}

func (prints *prints) takeOver() { log.SetOutput(prints) }

// Of the goroutine that runs the call. Returns what ends it.
func (prints *prints) begin(call *Call) func() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("execution", call.told.ExecutionID)))
	labels := labelsOfGoroutine()
	prints.lock.Lock()
	defer prints.lock.Unlock()
	prints.calls[labels] = call
	return func() {
		prints.lock.Lock()
		defer prints.lock.Unlock()
		delete(prints.calls, labels)
	}
}

func (prints *prints) Write(text []byte) (int, error) {
	prints.lock.Lock()
	call := prints.calls[labelsOfGoroutine()]
	prints.lock.Unlock()
	if call == nil {
		return os.Stderr.Write(text)
	}
	for from := 0; from < len(text); from += longestLog {
		until := from + longestLog
		if until > len(text) {
			until = len(text)
		}
		call.worker.send(wire.Log, call.number, `{"stream":"stderr"}`, text[from:until])
	}
	return len(text), nil
}
