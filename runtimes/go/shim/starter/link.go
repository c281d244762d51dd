package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"taibai.worker/wire"
)

// A connection to the server; over TCP it begins with a KNOCK, which proves who the worker is.
func dial(stream string) net.Conn {
	if path := os.Getenv("TAIBAI_SOCKET"); path != "" {
		return mustDial("unix", path)
	}
	if descriptor, err := strconv.Atoi(os.Getenv(behindRelay)); err == nil {
		return fileConnection(descriptor)
	}
	if os.Getenv("TAIBAI_SERVER") == "" {
		giveUp("this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand")
	}
	connection := mustDial("tcp", os.Getenv("TAIBAI_SERVER"))
	send(connection, knock(stream))
	return connection
}

// The worker's name with its secret, and the certificate that the server has to show; none: the link is not encrypted.
func readKey() (key, certificate []byte) {
	text, err := os.ReadFile(os.Getenv("TAIBAI_KEY"))
	if err != nil {
		giveUp(err.Error())
	}
	if at := bytes.Index(text, []byte("-----BEGIN")); at >= 0 {
		text, certificate = text[:at], text[at:]
	}
	return bytes.TrimSpace(text), certificate
}

func isEncrypted() bool {
	if os.Getenv("TAIBAI_SOCKET") != "" || os.Getenv("TAIBAI_SERVER") == "" {
		return false
	}
	_, certificate := readKey()
	return certificate != nil
}

func mustDial(network, address string) net.Conn {
	connection, err := net.Dial(network, address)
	if err != nil {
		giveUp(err.Error())
	}
	return connection
}

// Descriptors 1 and 2 lead to the server: what is printed arrives without a reader in this process.
func takeOverDescriptors() {
	if os.Getenv(behindRelay) != "" {
		return // they lead there already
	}
	for at, stream := range []string{"stdout", "stderr"} {
		if err := syscall.Dup3(descriptorOf(stream), at+1, 0); err != nil {
			giveUp(err.Error())
		}
	}
}

// It blocks where the server does not read, as child processes expect.
func descriptorOf(stream string) int {
	if path := os.Getenv("TAIBAI_SOCKET"); path != "" {
		descriptor, err := syscall.Open(filepath.Join(filepath.Dir(path), stream), syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			giveUp(err.Error())
		}
		return descriptor
	}
	return blockingOf(dial(stream))
}

func blockingOf(connection net.Conn) int {
	file, err := connection.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		giveUp(err.Error())
	}
	return int(file.Fd())
}

func giveUp(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(70)
}

// Code that comes over the connection: each CODE frame is a folder, a link, or a piece of a file.
func layOut(frame wire.Frame) error {
	var told struct {
		Path       string
		Link       string
		Folder     bool
		More       bool
		Executable bool
	}
	if err := frame.Into(&told); err != nil {
		return err
	}
	switch {
	case told.Folder:
		return os.MkdirAll(told.Path, 0o755)
	case told.Link != "":
		return os.Symlink(told.Link, told.Path)
	}
	mode, flags := os.FileMode(0o644), os.O_WRONLY|os.O_CREATE|os.O_TRUNC
	if told.Executable {
		mode = 0o755
	}
	if told.More {
		flags = os.O_WRONLY | os.O_APPEND
	}
	file, err := os.OpenFile(told.Path, flags, mode)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(frame.Body)
	return err
}
