// Package compile makes the program of a function out of its package: beside the package's own files it lays the worker
// (packages wire, function and web) and a main that names all functions there are. Nothing is written into the package.
package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// Program is what a function is compiled to, at the top of its package.
	Program = "taibai-function"
	// Bootstrap is what a program of its own is compiled to, which asks for its events itself.
	Bootstrap = "bootstrap"
	// LinkVariable hands the connection over to it.
	LinkVariable = "TAIBAI_FUNCTION_LINK"
	// Where the worker lies in the module, for the compiler's eyes only.
	ownFolder = "zz_taibai"
)

// Package compiles the package in this folder. The error is what the compiler said.
func Package(code, shim, program string) error {
	module, err := moduleOf(code)
	if err != nil {
		return err
	}
	packages, err := packagesIn(code, module)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "compile")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	laid := map[string]string{}
	if err := layWorker(laid, code, shim, work, module); err != nil {
		return err
	}
	text, folder := mainOf(packages, module)
	main := filepath.Join(work, "main.go")
	laid[filepath.Join(code, folder, ownFolder+"_main.go")] = main
	if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
		return err
	}
	overlay := filepath.Join(work, "overlay.json")
	listed, _ := json.Marshal(map[string]interface{}{"Replace": laid})
	if err := os.WriteFile(overlay, listed, 0o600); err != nil {
		return err
	}
	return goBuild(code, work, program, "./"+folder, "-overlay", overlay)
}

// The worker's source becomes packages of the module, whatever that is called.
func layWorker(laid map[string]string, code, shim, work, module string) error {
	for _, name := range []string{"wire", "function", "web"} {
		files, err := filepath.Glob(filepath.Join(shim, name, "*.go"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("the worker's source is not in %s", shim)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			copied := filepath.Join(work, name+"_"+filepath.Base(file))
			content = bytes.ReplaceAll(content, []byte(`"taibai.worker/`), []byte(`"`+module+"/"+ownFolder+"/"))
			if err := os.WriteFile(copied, content, 0o600); err != nil {
				return err
			}
			laid[filepath.Join(code, ownFolder, name, filepath.Base(file))] = copied
		}
	}
	return nil
}

func moduleOf(code string) (string, error) {
	text, err := os.ReadFile(filepath.Join(code, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("the package has no go.mod at its top: run \"go mod init\"")
	}
	found := regexp.MustCompile(`(?m)^\s*module\s+"?([^\s"]+)"?`).FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("go.mod does not name its module")
	}
	return string(found[1]), nil
}

// Said is given what the compiler says of a build that succeeds, such as the modules that it fetches.
var Said io.Writer = io.Discard

func goBuild(code, work, program, folder string, more ...string) error {
	modules, err := moduleFlags(code, work)
	if err != nil {
		return err
	}
	command := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program}, modules...)
	var said bytes.Buffer
	going := exec.Command("go", append(append(command, more...), folder)...)
	going.Dir, going.Stdout, going.Stderr = code, &said, &said
	// Static, so that it runs in every image.
	going.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if os.Getenv("GOTOOLCHAIN") == "" {
		// A go.mod may want a newer Go than is there: that comes as a module, too.
		going.Env = append(going.Env, "GOTOOLCHAIN=auto")
	}
	if err := going.Run(); err != nil {
		return fmt.Errorf("%s\n%s (%s)", strings.TrimSpace(said.String()), "go build failed", err)
	}
	_, err = Said.Write(said.Bytes())
	return err
}

// A package without go.sum has the modules that its go.mod names, and what those need; nothing is written into it.
func moduleFlags(code, work string) ([]string, error) {
	for _, kept := range []string{"go.sum", "vendor"} {
		if _, err := os.Stat(filepath.Join(code, kept)); err == nil {
			return nil, nil
		}
	}
	text, err := os.ReadFile(filepath.Join(code, "go.mod"))
	if err != nil || !regexp.MustCompile(`(?m)^\s*require\b`).Match(text) {
		return nil, err
	}
	fmt.Fprintln(Said, "There is no go.sum: the modules are those that go.mod names, as the proxy has them today.")
	modules := filepath.Join(work, "go.mod")
	return []string{"-mod=mod", "-modfile=" + modules}, os.WriteFile(modules, text, 0o600)
}
