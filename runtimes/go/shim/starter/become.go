package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"taibai.worker/compile"
	"taibai.worker/wire"
)

// bindMeta is what of BIND matters before the function's program runs.
type bindMeta struct {
	Code        string
	Env         map[string]string
	Secrets     string
	SecretFiles map[string]string `json:"secret_files"`
}

// The process becomes the function's program, in its environment. Returns only when that cannot be.
func (starter *starter) become(wanted bindMeta, frames []wire.Frame) error {
	started := time.Now()
	program, err := programOf(wanted.Code)
	if err != nil {
		return err
	}
	if err := writeSecrets(wanted); err != nil {
		return err
	}
	if err := os.Chdir(wanted.Code); err != nil {
		return err
	}
	told, err := inMemory(frames)
	if err != nil {
		return err
	}
	connection, err := starter.connection.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return err
	}
	link := fmt.Sprintf("%s=%d,%d,%d", compile.LinkVariable, inherited(connection), inherited(told), started.UnixMicro())
	err = syscall.Exec(program, []string{program}, append(environment(wanted.Env), link))
	return fmt.Errorf("%s could not be started: %w", compile.Program, err)
}

// On plain processes nobody has compiled the package: the Go of this machine does.
func programOf(code string) (string, error) {
	program := filepath.Join(code, compile.Program)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	missing := "the package has no compiled function (" + compile.Program + "): deploy its source with its go.mod, and let the server build it"
	if _, err := os.Stat(filepath.Join(code, "go.mod")); err != nil {
		return "", refusal{Type: "EntryNotFound", Message: missing}
	}
	shim, goFound := os.Getenv("TAIBAI_GO_SHIM"), ""
	if shim != "" {
		goFound, _ = exec.LookPath("go")
	}
	if goFound == "" {
		return "", refusal{Type: "EntryNotFound", Message: missing}
	}
	program, err := compile.Kept(code, shim, os.Getenv("TAIBAI_GO_KEPT"), compile.Program)
	if err != nil {
		return "", refusal{Type: "BuildFailed", Message: err.Error()}
	}
	return program, nil
}

// Before the function's code runs; nobody else can read them.
func writeSecrets(wanted bindMeta) error {
	if len(wanted.SecretFiles) == 0 {
		return nil
	}
	if err := os.MkdirAll(wanted.Secrets, 0o700); err != nil {
		return err
	}
	for name, text := range wanted.SecretFiles {
		if err := os.WriteFile(filepath.Join(wanted.Secrets, name), []byte(text), 0o400); err != nil {
			return err
		}
	}
	return nil
}

// The shim keeps its own settings to itself.
func environment(own map[string]string) []string {
	var variables []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		_, isReplaced := own[name]
		isOurs := strings.HasPrefix(name, "TAIBAI_GO_") || name == "TAIBAI_SOCKET" || name == "TAIBAI_SERVER" || name == "TAIBAI_KEY"
		if !isReplaced && !isOurs {
			variables = append(variables, variable)
		}
	}
	for name, value := range own {
		variables = append(variables, name+"="+value)
	}
	return variables
}

// Frames may hold secrets: they lie in memory, in a file that has no name.
func inMemory(frames []wire.Frame) (*os.File, error) {
	number, isKnown := map[string]uintptr{"amd64": 319, "arm64": 279}[runtime.GOARCH]
	if !isKnown {
		return nil, fmt.Errorf("this runtime does not know the processors of %s", runtime.GOARCH)
	}
	name := []byte("bind\x00")
	descriptor, _, failed := syscall.Syscall(number, uintptr(unsafe.Pointer(&name[0])), 0, 0)
	if failed != 0 {
		return nil, failed
	}
	file := os.NewFile(descriptor, "bind")
	for _, frame := range frames {
		if err := wire.Write(file, frame); err != nil {
			return nil, err
		}
	}
	_, err := file.Seek(0, 0)
	return file, err
}

// The descriptor, which the program that this process becomes finds open.
func inherited(file *os.File) uintptr {
	descriptor := file.Fd()
	syscall.Syscall(syscall.SYS_FCNTL, descriptor, syscall.F_SETFD, 0)
	return descriptor
}
