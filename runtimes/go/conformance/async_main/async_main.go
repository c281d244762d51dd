// Package async_main is as main: in Go nothing is async that need not be.
package async_main

import "time"

type ValueError string

func (problem ValueError) Error() string { return string(problem) }

type order struct {
	Do      string
	Value   interface{}
	Ms      int
	Message string
}

func Main(wanted order) (interface{}, error) {
	switch wanted.Do {
	case "echo":
		return wanted.Value, nil
	case "sleep":
		time.Sleep(time.Duration(wanted.Ms) * time.Millisecond)
		return "slept", nil
	}
	panic(ValueError(wanted.Message))
}
