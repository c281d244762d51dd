package compile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OwnProgram compiles the program that is in this package: a main that asks for its events itself, as lambda.Start does.
func OwnProgram(code, program string) error {
	if _, err := moduleOf(code); err != nil {
		return err
	}
	folder, err := mainIn(code)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "compile")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	// What programs for AWS Lambda leave out where nobody calls them by Go's own RPC.
	return goBuild(code, work, program, folder, "-tags=lambda.norpc")
}

// The main at the top, else the only one below.
func mainIn(code string) (string, error) {
	var mains []string
	err := filepath.WalkDir(code, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if path != code && (isNoPackage(entry.Name()) || isModule(path)) {
			return filepath.SkipDir
		}
		if listed, err := forServers().ImportDir(path, 0); err == nil && listed.Name == "main" {
			below, _ := filepath.Rel(code, path)
			mains = append(mains, "./"+filepath.ToSlash(below))
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(mains) == 0:
		return "", fmt.Errorf("the package has no program: a package main with a func main that asks for its events, as lambda.Start does")
	case mains[0] == "./." || len(mains) == 1:
		return mains[0], nil
	}
	return "", fmt.Errorf("the package has several programs (%s): a function is one of them, so lay that at the top", strings.Join(mains, ", "))
}
