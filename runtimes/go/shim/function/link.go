package function

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// linkVariable says where the starter has left the connection and what had come over it, and when it was told to bind.
const linkVariable = "TAIBAI_FUNCTION_LINK"

// bindMeta is the meta of BIND.
type bindMeta struct {
	FunctionID      string      `json:"function_id"`
	FunctionName    string      `json:"function_name"`
	FunctionVersion interface{} `json:"function_version"`
	ProjectID       string      `json:"project_id"`
	Entry           string
	Signature       string
	MemoryBytes     int64 `json:"memory_bytes"`
	MaxResultBytes  int   `json:"max_result_bytes"`
	API             *struct {
		URL   string
		Token string
	}
	started time.Time
}

func (worker *worker) connect() {
	var connection, frames int
	var started int64
	if _, err := fmt.Sscanf(os.Getenv(linkVariable), "%d,%d,%d", &connection, &frames, &started); err != nil {
		fmt.Fprintln(os.Stderr, "this is a function of Taibai, which a worker starts: deploy its source")
		os.Exit(70)
	}
	os.Unsetenv(linkVariable)
	syscall.CloseOnExec(connection)
	syscall.CloseOnExec(frames)
	open, err := net.FileConn(os.NewFile(uintptr(connection), "connection"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
	worker.connection = open
	worker.reader = buffered(io.MultiReader(os.NewFile(uintptr(frames), "frames"), open))
	worker.told.started = time.UnixMicro(started)
}
