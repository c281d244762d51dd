// The Go worker before it knows its function: says hello, lays out the code that comes, and becomes the program that the function
// was compiled to, which goes on with the same connection (package function).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"

	"taibai.worker/compile"
	"taibai.worker/wire"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "program" {
		printProgram(os.Args[2])
		return
	}
	if isEncrypted() {
		runRelay()
	}
	connection := dial("frames")
	hello := fmt.Sprintf(`{"protocol":1,"runtime":"go","version":"%s"}`, version())
	send(connection, wire.Frame{Kind: wire.Hello, Meta: []byte(hello)})
	takeOverDescriptors()
	starter := &starter{connection: connection}
	for {
		frame, err := wire.Read(connection)
		if err == nil {
			err = starter.take(frame)
		}
		if err != nil {
			leave(err)
		}
	}
}

// Compiles the program in this folder for the worker of another language, which starts it; on plain processes.
func printProgram(code string) {
	program, err := compile.Kept(code, os.Getenv("TAIBAI_GO_SHIM"), os.Getenv("TAIBAI_GO_KEPT"), compile.Bootstrap)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(program)
}

// The language has no third number in its first release of a line.
func version() string {
	version := strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")
	if strings.Count(version, ".") < 2 {
		version += ".0"
	}
	return version
}

type starter struct {
	connection net.Conn
	// Frames that the function has to know of, such as the newest SESSION.
	kept []wire.Frame
}

func (starter *starter) take(frame wire.Frame) error {
	switch frame.Kind {
	case wire.Code:
		return layOut(frame)
	case wire.Session:
		starter.kept = []wire.Frame{frame}
	case wire.Bind:
		return starter.bind(frame)
	case wire.Call:
		if err := frame.Into(&struct{}{}); err != nil {
			return err
		}
		says := `{"type":"NotBound","message":"no function is bound","stack":"","run_ms":0,"cpu_ms":0,"memory_peak_bytes":0}`
		send(starter.connection, wire.Frame{Kind: wire.Failed, Call: frame.Call, Meta: []byte(says)})
	}
	return nil
}

// Returns only when the function cannot be had.
func (starter *starter) bind(frame wire.Frame) error {
	var wanted bindMeta
	if err := frame.Into(&wanted); err != nil {
		return err
	}
	err := starter.become(wanted, append(starter.kept, frame))
	refused := refusal{Type: "LoadError", Message: err.Error()}
	errors.As(err, &refused)
	meta, _ := json.Marshal(refused)
	send(starter.connection, wire.Frame{Kind: wire.BindFailed, Meta: meta})
	return nil
}

// refusal is what a BIND_FAILED says.
type refusal struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Stack   string `json:"stack"`
}

func (refused refusal) Error() string { return refused.Message }

func send(connection net.Conn, frame wire.Frame) {
	if err := wire.Write(connection, frame); err != nil {
		leave(err)
	}
}

// The process ends with the connection.
func leave(err error) {
	if errors.Is(err, wire.ErrBroken) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(wire.ExitBroken)
	}
	os.Exit(wire.ExitLost)
}
