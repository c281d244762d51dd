// Compiles a package. Finds it in ./package and what it is told in ./in; leaves the program in ./out, beside the files of the
// package. What it prints is the log of the build.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"taibai.worker/compile"
)

const root = "/build"

func main() {
	for _, step := range []func() error{takeSecrets, trustOperator, prepareFolders} {
		if err := step(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("$ go build")
	compile.Said = os.Stdout
	if err := built(os.Getenv("BUILD_PROGRAM")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// program: the name of a program of its own, where the package is one.
func built(program string) error {
	if program != "" {
		return compile.OwnProgram(root+"/package", root+"/out/"+program)
	}
	return compile.Package(root+"/package", "/opt/taibai/shim", root+"/out/"+compile.Program)
}

func takeSecrets() error {
	text, err := os.ReadFile(root + "/in/secrets.json")
	if err != nil {
		return err
	}
	secrets := map[string]string{}
	if err := json.Unmarshal(text, &secrets); err != nil {
		return err
	}
	for name, value := range secrets {
		os.Setenv(name, value)
	}
	return os.Remove(root + "/in/secrets.json")
}

// Beside whom the runtime trusts.
func trustOperator() error {
	own, err := os.ReadFile(root + "/in/ca.crt")
	if os.IsNotExist(err) {
		return nil
	}
	known, _ := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	return os.WriteFile(root+"/in/ca.crt", append(append(own, '\n'), known...), 0o644)
}

// The compiler writes into its cache: it gets one of its own, which begins with what the image has compiled.
func prepareFolders() error {
	os.Setenv("GOCACHE", root+"/tools/cache")
	os.Setenv("GOMODCACHE", root+"/tools/modules")
	return exec.Command("cp", "-r", "/opt/taibai/cache", root+"/tools/cache").Run()
}
