package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"taibai.worker/wire"
)

const (
	// In the certificate; the server itself is reached at an address.
	serverName = "taibai"
	pieceBytes = 64 * 1024
	// More than the kernel holds of a pipe: who goes on printing without end is not waited for.
	farewellPieces = 16
	// How long the server may take to read the last words.
	farewell = 5 * time.Second
	// behindRelay holds the descriptor of the socket for frames, in the environment of the child.
	behindRelay = "TAIBAI_GO_BEHIND_RELAY"
)

// relay is the first process of a worker whose link is encrypted. The starter proper is its child and has plain descriptors: 1, 2,
// and a socket for frames. This one carries them to the server, each over a TLS connection of its own. It outlives the child: what
// the child wrote before it died still arrives.
type relay struct {
	// Of all that goes up: what was printed is there before the frame that may end its call.
	up      sync.Mutex
	printed []*way
	// Closed when frames are read for the farewell alone.
	isQuiet chan struct{}
	// From then on the exit code is that of the child, and the end of the connection closes the channel.
	isFarewell atomic.Bool
	isHeard    chan struct{}
}

// way is a descriptor that the child writes to, and where that leads.
type way struct {
	here  syscall.RawConn
	there *tls.Conn
}

// runRelay never returns.
func runRelay() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		giveUp(err.Error())
	}
	frames, theirs := fileConnection(pair[0]), os.NewFile(uintptr(pair[1]), "frames")
	it, files := &relay{isQuiet: make(chan struct{}), isHeard: make(chan struct{})}, []*os.File{nil}
	for _, stream := range []string{"stdout", "stderr"} {
		here, written, err := os.Pipe()
		if err != nil {
			giveUp(err.Error())
		}
		connection, _ := here.SyscallConn()
		it.printed = append(it.printed, &way{connection, dialEncrypted(stream)})
		files = append(files, written)
	}
	server := dialEncrypted("frames")
	child := startChild(append(files, theirs))
	for _, way := range it.printed {
		go it.pass(way)
	}
	go it.passFrames(frames, server)
	go it.passDown(server, frames)
	code := endOf(child)
	it.sayFarewell(server, frames)
	os.Exit(code)
}

func fileConnection(descriptor int) *net.UnixConn {
	connection, err := net.FileConn(os.NewFile(uintptr(descriptor), "frames"))
	if err != nil {
		giveUp(err.Error())
	}
	return connection.(*net.UnixConn)
}

func dialEncrypted(stream string) *tls.Conn {
	_, certificate := readKey()
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(certificate)
	settings := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: known, ServerName: serverName}
	// The server takes a piece of each connection in a turn: pieces of 1 KiB would take it for ever.
	settings.DynamicRecordSizingDisabled = true
	connection, err := tls.Dial("tcp", os.Getenv("TAIBAI_SERVER"), settings)
	if err != nil {
		giveUp(fmt.Sprintf("the server cannot be reached: %s", err))
	}
	send(connection, knock(stream))
	return connection
}

// This program again; its files are the descriptors from 0 on.
func startChild(files []*os.File) int {
	variables := append(environment(map[string]string{}), behindRelay+"=3")
	for _, name := range []string{"TAIBAI_GO_SHIM", "TAIBAI_GO_KEPT"} {
		if value := os.Getenv(name); value != "" {
			variables = append(variables, name+"="+value)
		}
	}
	child, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{Env: variables, Files: files})
	if err != nil {
		giveUp(err.Error())
	}
	for _, file := range files[1:] {
		file.Close()
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		for range signals {
			syscall.Kill(child.Pid, syscall.SIGTERM)
		}
	}()
	return child.Pid
}

// Other children are those that it has left behind, when this is the first process of all.
func endOf(child int) int {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR), err == nil && ended != child:
		case err != nil:
			return 70
		case status.Exited():
			return status.ExitStatus()
		default:
			return 128 + int(status.Signal())
		}
	}
}

func (relay *relay) pass(way *way) {
	way.here.Read(func(descriptor uintptr) bool {
		relay.up.Lock()
		defer relay.up.Unlock()
		return way.drain(descriptor, farewellPieces)
	})
}

// Passes on what is there now. True: nothing comes any more.
func (way *way) drain(descriptor uintptr, most int) bool {
	piece := make([]byte, pieceBytes)
	for ; most > 0; most-- {
		size, err := syscall.Read(int(descriptor), piece)
		if size <= 0 {
			return size == 0 && err == nil
		}
		if _, err := way.there.Write(piece[:size]); err != nil {
			os.Exit(wire.ExitLost)
		}
	}
	return false
}

func (relay *relay) passFrames(frames net.Conn, server net.Conn) {
	defer close(relay.isQuiet)
	piece := make([]byte, pieceBytes)
	for {
		size, err := frames.Read(piece)
		if err != nil {
			return
		}
		relay.passPiece(piece[:size], server)
	}
}

func (relay *relay) passPiece(piece []byte, server net.Conn) {
	relay.up.Lock()
	defer relay.up.Unlock()
	relay.drainAll()
	if _, err := server.Write(piece); err != nil {
		os.Exit(wire.ExitLost)
	}
}

func (relay *relay) drainAll() {
	for _, way := range relay.printed {
		way.here.Control(func(descriptor uintptr) { way.drain(descriptor, farewellPieces) })
	}
}

// The process ends with the connection.
func (relay *relay) passDown(server, frames net.Conn) {
	piece := make([]byte, pieceBytes)
	for {
		size, err := server.Read(piece)
		if err != nil && relay.isFarewell.Load() {
			close(relay.isHeard)
			return
		}
		if err != nil {
			os.Exit(wire.ExitLost)
		}
		frames.Write(piece[:size])
	}
}

// Others may hold the descriptors still: their end is not waited for.
func (relay *relay) sayFarewell(server *tls.Conn, frames *net.UnixConn) {
	relay.isFarewell.Store(true)
	frames.SetReadDeadline(time.Now())
	<-relay.isQuiet
	relay.up.Lock()
	defer relay.up.Unlock()
	relay.drainAll()
	if left, err := frames.SyscallConn(); err == nil {
		left.Control(func(descriptor uintptr) { (&way{there: server}).drain(descriptor, farewellPieces) })
	}
	for _, connection := range []*tls.Conn{relay.printed[0].there, relay.printed[1].there, server} {
		connection.CloseWrite()
		connection.NetConn().(*net.TCPConn).CloseWrite()
		if connection != server {
			connection.SetReadDeadline(time.Now().Add(farewell))
			connection.Read(make([]byte, 1))
		}
	}
	select {
	case <-relay.isHeard:
	case <-time.After(farewell):
	}
}

// The frame that a connection over TCP begins with: which of the three it is, and which worker, with the proof.
func knock(stream string) wire.Frame {
	key, _ := readKey()
	return wire.Frame{Kind: wire.Knock, Meta: []byte(fmt.Sprintf(`{"stream":"%s"}`, stream)), Body: key}
}
