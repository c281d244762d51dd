package function

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"time"
)

// callContext knows more by name: ctx.Value("execution_id"), and so on. No print of it shows what is secret.
type callContext struct {
	context.Context
	call *Call
}

func (ctx *callContext) Value(key interface{}) interface{} {
	name, isName := key.(string)
	if !isName {
		return ctx.Context.Value(key)
	}
	told, of := &ctx.call.told, &ctx.call.worker.told
	switch name {
	case "execution_id":
		return told.ExecutionID
	case "function_id":
		return of.FunctionID
	case "function_name":
		return of.FunctionName
	case "function_version":
		return of.FunctionVersion
	case "project_id":
		return of.ProjectID
	case "deadline_ms":
		return told.DeadlineMs
	case "remaining_ms":
		return math.Max(0, float64(told.DeadlineMs)-float64(time.Now().UnixMicro())/1000)
	case "trigger":
		return told.Trigger
	case "language_version":
		return version()
	case "traceparent":
		if told.Traceparent != "" {
			return told.Traceparent
		}
	case "api":
		if of.API != nil {
			return API{of.API.URL, of.API.Token + "." + told.ExecutionID}
		}
	case "request":
		if told.HTTP != nil {
			return ctx.call.webhookRequest()
		}
	case "cloudevent":
		return ctx.call.cloudEvent()
	case "openstack":
		return ctx.call.worker.openstack.now()
	}
	return nil
}

func (ctx *callContext) String() string {
	return "context of " + ctx.call.worker.told.FunctionName + ", execution " + ctx.call.told.ExecutionID
}

func (ctx *callContext) GoString() string { return ctx.String() }

// API is how a call reaches the API of the server. No print of it shows the token.
type API struct{ url, token string }

func (api API) URL() string      { return api.url }
func (api API) Token() string    { return api.token }
func (api API) String() string   { return "API at " + api.url }
func (api API) GoString() string { return api.String() }

// The language has no third number in its first release of a line.
func version() string {
	version := strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")
	if strings.Count(version, ".") < 2 {
		version += ".0"
	}
	return version
}

// The request of a webhook, whose fields are the event: method, url, query, headers by name, and body ([]byte, nil when too long).
func (call *Call) webhookRequest() map[string]interface{} {
	asked := call.told.HTTP
	_, query, _ := strings.Cut(asked.Target, "?")
	headers := map[string]string{}
	for _, header := range asked.Headers {
		before, isThere := headers[header[0]]
		switch {
		case !isThere:
			headers[header[0]] = header[1]
		case header[0] == "cookie":
			headers[header[0]] = before + "; " + header[1]
		default:
			headers[header[0]] = before + ", " + header[1]
		}
	}
	return map[string]interface{}{"method": asked.Method, "url": asked.URL, "query": query, "headers": headers, "body": asked.bytes(call.body)}
}

// Without a body of its own, the bytes of the input are it.
func (request *Request) bytes(input []byte) []byte {
	var text *string
	if request.Body == nil {
		return append([]byte{}, input...)
	}
	if json.Unmarshal(request.Body, &text) != nil || text == nil {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return nil
	}
	return body
}

// The attributes of the CloudEvent that the call is, whose data is the event; nil: it is none.
func (call *Call) cloudEvent() interface{} {
	if call.told.HTTP == nil {
		return nil
	}
	event := map[string]interface{}{}
	for _, header := range call.told.HTTP.Headers {
		if name := strings.TrimPrefix(header[0], "ce-"); name != header[0] {
			event[name] = header[1]
		} else if header[0] == "content-type" && !strings.HasPrefix(header[1], "application/cloudevents") {
			event["datacontenttype"] = header[1]
		}
	}
	if event["specversion"] == nil {
		return nil
	}
	switch call.told.Input {
	case "json":
		var data interface{}
		if json.Unmarshal(call.body, &data) == nil {
			event["data"] = data
		}
	case "text":
		event["data"] = string(call.body)
	case "bytes":
		event["data"] = call.body
	}
	return event
}
