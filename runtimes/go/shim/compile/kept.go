package compile

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

const (
	// How many programs stay on a machine that compiles when it loads: those that were used last.
	keptPrograms = 30
	// Whatever was used so recently may be about to start.
	inUse = 10 * time.Minute
)

// Kept is the program of the package in this folder, made when it is asked for first. shim: where the worker's source is; kind:
// Program or Bootstrap.
func Kept(code, shim, kept, kind string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, kind)
	for _, folder := range []string{code, shim} {
		if err := addTo(hash, folder); err != nil {
			return "", err
		}
	}
	program := filepath.Join(kept, fmt.Sprintf("%x", hash.Sum(nil)[:16]))
	now := time.Now()
	if os.Chtimes(program, now, now) == nil {
		return program, nil
	}
	made := fmt.Sprintf("%s.%d", program, os.Getpid())
	compile := func() error { return Package(code, shim, made) }
	if kind == Bootstrap {
		compile = func() error { return OwnProgram(code, made) }
	}
	if err := compile(); err != nil {
		return "", err
	}
	if err := os.Rename(made, program); err != nil {
		return "", err
	}
	prune(kept, now)
	return program, nil
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

// Removes what has not been used for longest, also what a compiler that was ended has left. A program that runs keeps running.
func prune(kept string, now time.Time) {
	entries, err := os.ReadDir(kept)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if file, err := entry.Info(); err == nil && file.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	sort.Slice(files, func(a, b int) bool { return files[a].ModTime().After(files[b].ModTime()) })
	for at, file := range files {
		if at >= keptPrograms && now.Sub(file.ModTime()) > inUse {
			os.Remove(filepath.Join(kept, file.Name()))
		}
	}
}
