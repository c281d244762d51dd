package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"

	"taibai.worker/wire"
)

// Handler runs a call and says what ends it.
type Handler func(call *Call) (Answer, error)

// Web is a function that takes requests; made by the package web, which functions of events do not link.
type Web func(call *Call) (Answer, error)

var (
	contextType = reflect.TypeOf((*context.Context)(nil)).Elem()
	errorType   = reflect.TypeOf((*error)(nil)).Elem()
	bytesType   = reflect.TypeOf([]byte(nil))
	rawType     = reflect.TypeOf(json.RawMessage(nil))
)

const shapes = "func([context.Context], [T]) ([R], [error])"

// What the entry names, ready to be called.
func prepared(function interface{}, name, signature string) (Handler, error) {
	web, isWeb := function.(Web)
	switch {
	case isWeb && signature == "http":
		return Handler(web), nil
	case isWeb:
		return nil, Refusal{"SignatureMismatch", name + " takes requests: deploy it with the signature http"}
	case signature == "http":
		return nil, Refusal{"SignatureMismatch", name + " is no func(http.ResponseWriter, *http.Request): deploy it with the signature event"}
	}
	return eventHandler(reflect.ValueOf(function), name)
}

func eventHandler(function reflect.Value, name string) (Handler, error) {
	kind := function.Type()
	takesContext := kind.NumIn() > 0 && kind.In(0) == contextType
	events := kind.NumIn()
	if takesContext {
		events--
	}
	results := kind.NumOut()
	givesError := results > 0 && kind.Out(results-1) == errorType
	if givesError {
		results--
	}
	if events > 1 || results > 1 || kind.IsVariadic() {
		return nil, Refusal{"SignatureMismatch", fmt.Sprintf("%s is a %s, and a function is a %s", name, kind, shapes)}
	}
	return func(call *Call) (Answer, error) {
		var given []reflect.Value
		if takesContext {
			given = append(given, reflect.ValueOf(call.Context()))
		}
		if events == 1 {
			event, err := inputOf(call, kind.In(kind.NumIn()-1))
			if err != nil {
				return Answer{}, err
			}
			given = append(given, event)
		}
		returned := function.Call(given)
		if givesError {
			if err, _ := returned[len(returned)-1].Interface().(error); err != nil {
				return Answer{}, err
			}
		}
		if results == 0 {
			return Answer{wire.Result, `"value":"json",`, []byte("null")}, nil
		}
		return resultOf(returned[0].Interface(), call.worker.told.MaxResultBytes)
	}, nil
}

// The input as the function takes it: JSON in its type, a text as a string, bytes as they are.
func inputOf(call *Call, kind reflect.Type) (reflect.Value, error) {
	event := reflect.New(kind)
	input, body := call.told.Input, call.body
	isAny := kind.Kind() == reflect.Interface && kind.NumMethod() == 0
	switch {
	case input == "none" || input == "":
	case kind == rawType && input == "json", kind == bytesType && input != "json":
		event.Elem().Set(reflect.ValueOf(body).Convert(kind))
	case input == "bytes" && isAny:
		event.Elem().Set(reflect.ValueOf(body))
	case input == "text" && (isAny || kind.Kind() == reflect.String):
		event.Elem().Set(reflect.ValueOf(string(bytes.ToValidUTF8(body, []byte("\uFFFD")))).Convert(kind))
	default:
		if err := json.Unmarshal(body, event.Interface()); err != nil {
			text := fmt.Sprintf("the input cannot be read as the %s that the function takes: %s", kind, err)
			return event, Refusal{"InputNotReadable", text}
		}
	}
	return event.Elem(), nil
}

// A string is text, bytes are bytes, all else is JSON.
func resultOf(value interface{}, most int) (Answer, error) {
	kind, body, err := saidAs(value)
	if err != nil {
		return Answer{}, Refusal{"ResultNotSerializable", "the result cannot be said in JSON: " + err.Error()}
	}
	if len(body) > most {
		return Answer{}, Refusal{"ResultTooLarge", fmt.Sprintf("the result has %d bytes, more than the %d allowed", len(body), most)}
	}
	return Answer{wire.Result, `"value":"` + kind + `",`, body}, nil
}

func saidAs(value interface{}) (kind string, body []byte, err error) {
	switch value := value.(type) {
	case string:
		if !utf8.ValidString(value) {
			return "", nil, fmt.Errorf("it is a text that is not valid UTF-8; bytes are a []byte")
		}
		return "text", []byte(value), nil
	case []byte:
		return "bytes", value, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", nil, err
	}
	return "json", bytes.TrimRight(text.Bytes(), "\n"), nil
}
