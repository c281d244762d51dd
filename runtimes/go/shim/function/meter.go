package function

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const stalledEvery = 50 * time.Millisecond

// meter knows how much memory this process has taken, and how long it had no processor.
type meter struct {
	lock    sync.Mutex
	toldAt  time.Time
	stalled float64
}

// The peak in bytes; and now and then, as a field of a meta with its comma, the time since it was said last.
func (meter *meter) read() (peak int64, stalled string) {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		peak = used.Maxrss * 1024
	}
	meter.lock.Lock()
	defer meter.lock.Unlock()
	now := time.Now()
	if now.Sub(meter.toldAt) < stalledEvery {
		return peak, ""
	}
	soFar, isKnown := stalledSoFar()
	if !isKnown {
		return peak, ""
	}
	if !meter.toldAt.IsZero() {
		stalled = fmt.Sprintf(`"stalled_ms":%.3f,`, soFar-meter.stalled)
	}
	meter.toldAt, meter.stalled = now, soFar
	return peak, stalled
}

// In ms.
func stalledSoFar() (float64, bool) {
	text, err := os.ReadFile("/proc/self/schedstat")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	waited, err := strconv.ParseFloat(fields[1], 64)
	return waited / 1e6, err == nil
}
