// Package wire reads and writes the frames of the worker protocol (runtimes/README.md).
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
)

const (
	Bind    = 1
	Call    = 2
	Cancel  = 3
	Credit  = 4
	Session = 5
	Code    = 6

	Hello      = 16
	Bound      = 17
	BindFailed = 18
	Result     = 19
	Failed     = 20
	Log        = 21
	Head       = 22
	Chunk      = 23
	End        = 24
	Knock      = 25
)

const (
	// MaxBytes is the longest that a frame may be, without the field of its length.
	MaxBytes  = 16 * 1024 * 1024
	headBytes = 9
	// ExitBroken is the exit code of a worker whose server does not keep to the protocol.
	ExitBroken = 76
	// ExitLost is that of one that has lost the connection to its server.
	ExitLost = 113
)

// ErrBroken is of what is no frame.
var ErrBroken = errors.New("the server does not keep to the protocol")

type Frame struct {
	Kind byte
	Call uint32
	Meta []byte
	Body []byte
}

// Read waits for the next frame, and takes nothing of what is behind it.
func Read(from io.Reader) (Frame, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return Frame{}, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size < headBytes || size > MaxBytes {
		return Frame{}, fmt.Errorf("%w: a frame of %d bytes is too short or too long", ErrBroken, size)
	}
	bytes := make([]byte, size)
	if _, err := io.ReadFull(from, bytes); err != nil {
		return Frame{}, err
	}
	metaSize := binary.BigEndian.Uint32(bytes[5:9])
	if metaSize > size-headBytes {
		return Frame{}, fmt.Errorf("%w: the meta of a frame is longer than the frame", ErrBroken)
	}
	meta, body := bytes[headBytes:headBytes+metaSize], bytes[headBytes+metaSize:]
	return Frame{bytes[0], binary.BigEndian.Uint32(bytes[1:5]), meta, body}, nil
}

// Into takes the meta apart; an empty one is that of no field.
func (frame Frame) Into(meta interface{}) error {
	if len(frame.Meta) == 0 {
		return nil
	}
	if err := json.Unmarshal(frame.Meta, meta); err != nil {
		return fmt.Errorf("%w: the meta of a frame is not the JSON object that it should be", ErrBroken)
	}
	return nil
}

// Write puts a frame into one piece, unless its body is long.
func Write(to io.Writer, frame Frame) error {
	head := make([]byte, 13, 13+len(frame.Meta)+shortBody)
	binary.BigEndian.PutUint32(head[0:4], uint32(headBytes+len(frame.Meta)+len(frame.Body)))
	head[4] = frame.Kind
	binary.BigEndian.PutUint32(head[5:9], frame.Call)
	binary.BigEndian.PutUint32(head[9:13], uint32(len(frame.Meta)))
	head = append(head, frame.Meta...)
	if len(frame.Body) <= shortBody {
		_, err := to.Write(append(head, frame.Body...))
		return err
	}
	pieces := net.Buffers{head, frame.Body}
	_, err := pieces.WriteTo(to)
	return err
}

const shortBody = 4096
