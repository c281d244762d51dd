// Package compile makes the program of a function out of its package: beside the package's own files it lays the worker
// (packages wire, function and web) and a main that names all functions there are. Nothing is written into the package.
package compile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// Program is what a function is compiled to, at the top of its package.
	Program = "taibai-function"
	// LinkVariable hands the connection over to it.
	LinkVariable = "TAIBAI_FUNCTION_LINK"
	// Where the worker lies in the module, for the compiler's eyes only.
	ownFolder = "zz_taibai"
)

// Kept is the program of the package in this folder, made when it is asked for first. shim: where the worker's source is.
func Kept(code, shim, kept string) (string, error) {
	hash := sha256.New()
	for _, folder := range []string{code, shim} {
		if err := addTo(hash, folder); err != nil {
			return "", err
		}
	}
	program := filepath.Join(kept, fmt.Sprintf("%x", hash.Sum(nil)[:16]))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	made := fmt.Sprintf("%s.%d", program, os.Getpid())
	if err := Package(code, shim, made); err != nil {
		return "", err
	}
	return program, os.Rename(made, program)
}

func addTo(hash interface{ Write([]byte) (int, error) }, folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n", path[len(folder):], len(content))
		hash.Write(content)
		return err
	})
}

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
	return run(code, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-overlay", overlay, "-o", program, "./"+folder)
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

func run(folder string, command ...string) error {
	var said bytes.Buffer
	going := exec.Command(command[0], command[1:]...)
	going.Dir, going.Stdout, going.Stderr = folder, &said, &said
	// Static, so that it runs in every image; in the language that is there.
	going.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOWORK=off")
	if err := going.Run(); err != nil {
		return fmt.Errorf("%s\n%s (%s)", strings.TrimSpace(said.String()), "go build failed", err)
	}
	return nil
}
