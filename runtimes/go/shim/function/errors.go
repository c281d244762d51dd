package function

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

const longestText = 64 * 1024

// Refusal is what the worker itself has to say.
type Refusal struct{ Type, Message string }

func (refusal Refusal) Error() string { return refusal.Message }

// thrown is a panic of the function, with the place where it was.
type thrown struct {
	what  interface{}
	stack string
}

func (thrown thrown) Error() string {
	if err, isError := thrown.what.(error); isError {
		return err.Error()
	}
	return fmt.Sprint(thrown.what)
}

// To be called in the deferred function that has recovered.
func panicked(what interface{}) error { return thrown{what, stackOf(3)} }

// JSON of its type, its message, and the stack of a panic: an error that is returned has none.
func said(err error) string {
	told := struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Stack   string `json:"stack"`
	}{typeOf(err), shortened(messageOf(err)), ""}
	if thrown, isThrown := err.(thrown); isThrown {
		told.Type = typeOf(thrown.what)
		told.Stack = shortened("panic: " + told.Message + "\n" + thrown.stack)
	}
	text, _ := json.Marshal(told)
	return string(text)
}

func messageOf(err error) (message string) {
	defer func() {
		if recover() != nil {
			message = "(an error whose text cannot be had)"
		}
	}()
	return err.Error()
}

// Name of the type, as of AWS Lambda; what is no type of its own is a panic.
func typeOf(what interface{}) string {
	if refusal, isOurs := what.(Refusal); isOurs {
		return refusal.Type
	}
	of := reflect.TypeOf(what)
	for of != nil && of.Kind() == reflect.Ptr {
		of = of.Elem()
	}
	if _, isError := what.(error); !isError || of == nil || of.Name() == "" {
		return "panic"
	}
	return of.Name()
}

func shortened(text string) string {
	if len(text) > longestText {
		text = text[:longestText]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
