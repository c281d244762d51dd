// The programmable function of the conformance list: does what the event says (see runtimes/README.md).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"
)

type ValueError string

func (problem ValueError) Error() string { return string(problem) }

type order struct {
	Do             string
	Value          interface{}
	Times          *int
	Ms             int
	Message        string
	Stdout, Stderr *string
	Before         *string
	By             string
	Seconds        int64
	Lines          int
	Tag            string
	Bytes          int
	Code           int
	MB             int
	Name           string
	Path           string
	Host           string
	Port           int
	Count          int
	Argv           []string
	Type, Region   string
}

func Main(ctx context.Context, event interface{}) (interface{}, error) {
	switch event := event.(type) {
	case nil:
		return map[string]bool{"none": true}, nil
	case string:
		return map[string]string{"text": event}, nil
	case []byte:
		sum := 0
		for _, one := range event {
			sum += int(one)
		}
		return map[string]int{"bytes": len(event), "sum": sum}, nil
	}
	text, _ := json.Marshal(event)
	var wanted order
	// The number of bytes that a flood prints comes in the place of a text.
	fields := event.(map[string]interface{})
	if size, isNumber := fields["stdout"].(float64); isNumber {
		fields["stdout"] = fmt.Sprint(int(size))
		text, _ = json.Marshal(fields)
	}
	if err := json.Unmarshal(text, &wanted); err != nil {
		return nil, err
	}
	deed, isKnown := deeds[wanted.Do]
	if !isKnown {
		return nil, fmt.Errorf("nobody can do %q", wanted.Do)
	}
	return deed(ctx, wanted)
}

var count = 0
var held [][]string

type deed = func(ctx context.Context, wanted order) (interface{}, error)

var deeds map[string]deed

func init() {
	deeds = map[string]deed{
		"echo":    func(_ context.Context, wanted order) (interface{}, error) { return wanted.Value, nil },
		"text":    repeated,
		"bytes":   allBytes,
		"nothing": func(context.Context, order) (interface{}, error) { return nil, nil },
		"sleep":   func(_ context.Context, wanted order) (interface{}, error) { return slept(wanted, "slept") },
		"block": func(_ context.Context, wanted order) (interface{}, error) {
			printed(os.Stdout, wanted.Stdout)
			return slept(wanted, "blocked")
		},
		"throw": func(_ context.Context, wanted order) (interface{}, error) { panic(ValueError(wanted.Message)) },
		"print": func(_ context.Context, wanted order) (interface{}, error) {
			printed(os.Stdout, wanted.Stdout)
			printed(os.Stderr, wanted.Stderr)
			return nil, nil
		},
		"raw":        writtenPast,
		"last_words": lastWords,
		"at_end":     atEnd,
		"local_time": localTime,
		"chatter":    chatter,
		"flood":      flood,
		"exit":       func(_ context.Context, wanted order) (interface{}, error) { os.Exit(wanted.Code); return nil, nil },
		"loop": func(context.Context, order) (interface{}, error) {
			for {
			}
		},
		"memory":         touched,
		"objects":        objects,
		"unserialisable": func(context.Context, order) (interface{}, error) { return math.NaN(), nil },
		"context":        described,
		"cloudevent":     func(ctx context.Context, _ order) (interface{}, error) { return ctx.Value("cloudevent"), nil },
		"request":        func(ctx context.Context, _ order) (interface{}, error) { return ctx.Value("request"), nil },
		"openstack":      openstack,
		"api":            api,
		"env":            variable,
		"count":          func(context.Context, order) (interface{}, error) { count++; return count, nil },
		"aborted":        aborted,
		"read": func(_ context.Context, wanted order) (interface{}, error) {
			text, err := os.ReadFile(wanted.Path)
			return string(text), err
		},
		"write": func(_ context.Context, wanted order) (interface{}, error) {
			return wanted.Bytes, os.WriteFile(wanted.Path, make([]byte, wanted.Bytes), 0o644)
		},
		"list":    listed,
		"connect": connected,
		"spawn":   spawned,
		"run":     ran,
	}
}

func printed(to *os.File, text *string) {
	if text != nil {
		fmt.Fprintln(to, *text)
	}
}

func slept(wanted order, answer string) (interface{}, error) {
	time.Sleep(time.Duration(wanted.Ms) * time.Millisecond)
	return answer, nil
}

func repeated(_ context.Context, wanted order) (interface{}, error) {
	times := 1
	if wanted.Times != nil {
		times = *wanted.Times
	}
	return strings.Repeat(wanted.Value.(string), times), nil
}

func allBytes(context.Context, order) (interface{}, error) {
	all := make([]byte, 256)
	for at := range all {
		all[at] = byte(at)
	}
	return all, nil
}

func writtenPast(_ context.Context, wanted order) (interface{}, error) {
	printed(os.Stdout, wanted.Before)
	text := *wanted.Stdout
	switch wanted.By {
	case "descriptor":
		_, err := syscall.Write(1, []byte(text+"\n"))
		return nil, err
	case "file":
		file, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		_, err = file.WriteString(text + "\n")
		return nil, err
	case "child":
		return nil, inheriting("echo", text).Run()
	case "flood":
		return nil, inheriting("sh", "-c", "yes | head -c "+text).Run()
	case "late":
		return nil, inheriting("sh", "-c", `sleep "$0"; echo "$1"`, fmt.Sprint(float64(wanted.Ms)/1000), text).Start()
	}
	return nil, nil
}

func inheriting(argv ...string) *exec.Cmd {
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command
}

func lastWords(_ context.Context, wanted order) (interface{}, error) {
	os.Stderr.WriteString(*wanted.Stderr)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func atEnd(_ context.Context, wanted order) (interface{}, error) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		fmt.Println(*wanted.Stdout)
	}()
	return nil, nil
}

func localTime(_ context.Context, wanted order) (interface{}, error) {
	return time.Unix(wanted.Seconds, 0).Format("15:04"), nil
}

func chatter(_ context.Context, wanted order) (interface{}, error) {
	for line := 0; line < wanted.Lines; line++ {
		fmt.Println(wanted.Tag, line)
		time.Sleep(time.Millisecond)
	}
	return wanted.Tag, nil
}

func flood(_ context.Context, wanted order) (interface{}, error) {
	for left := wanted.Bytes; left > 0; left -= 100 {
		size := 99
		if left-1 < size {
			size = left - 1
		}
		fmt.Println(strings.Repeat("x", size))
	}
	return nil, nil
}

func touched(_ context.Context, wanted order) (interface{}, error) {
	bytes := make([]byte, wanted.MB*1024*1024)
	for at := 0; at < len(bytes); at += 1024 {
		bytes[at] = 1
	}
	return nil, nil
}

func objects(_ context.Context, wanted order) (interface{}, error) {
	for mb := 0; mb < wanted.MB; mb++ {
		texts := make([]string, 26_214)
		for at := range texts {
			texts[at] = fmt.Sprintf("%024d", at)
		}
		held = append(held, texts)
	}
	return wanted.MB, nil
}

func described(ctx context.Context, _ order) (interface{}, error) {
	names := []string{"execution_id", "function_id", "function_name", "function_version", "project_id", "deadline_ms", "remaining_ms", "trigger", "traceparent", "language_version"}
	seen := map[string]interface{}{}
	for _, name := range names {
		seen[name] = ctx.Value(name)
	}
	return seen, nil
}

func openstack(ctx context.Context, wanted order) (interface{}, error) {
	fmt.Printf("%v %+v %#v %v %#v\n", ctx, ctx, ctx, ctx.Value("openstack"), ctx.Value("openstack"))
	if ctx.Value("openstack") == nil {
		return nil, nil
	}
	it := ctx.Value("openstack").(interface {
		Token() (string, error)
		AuthURL() (string, error)
		ProjectID() (string, error)
		UserID() (string, error)
		Roles() ([]string, error)
		Services() ([]string, error)
		Endpoint(kind, region string) (string, error)
	})
	token, err := it.Token()
	if err != nil {
		return nil, err
	}
	url, err := it.Endpoint(wanted.Type, wanted.Region)
	if err != nil {
		return nil, err
	}
	authURL, _ := it.AuthURL()
	project, _ := it.ProjectID()
	user, _ := it.UserID()
	roles, _ := it.Roles()
	services, _ := it.Services()
	return map[string]interface{}{"token": token, "auth_url": authURL, "project_id": project, "user_id": user, "roles": roles, "services": len(services), "url": url}, nil
}

func api(ctx context.Context, _ order) (interface{}, error) {
	fmt.Printf("%v %+v %#v %v %#v\n", ctx, ctx, ctx, ctx.Value("api"), ctx.Value("api"))
	if ctx.Value("api") == nil {
		return nil, nil
	}
	it := ctx.Value("api").(interface {
		URL() string
		Token() string
	})
	return map[string]string{"url": it.URL(), "token": it.Token(), "env": os.Getenv("TAIBAI_API")}, nil
}

func variable(_ context.Context, wanted order) (interface{}, error) {
	if value, isSet := os.LookupEnv(wanted.Name); isSet {
		return value, nil
	}
	return nil, nil
}

func aborted(ctx context.Context, wanted order) (interface{}, error) {
	fmt.Println("begun")
	select {
	case <-ctx.Done():
		fmt.Println("aborted")
		return true, nil
	case <-time.After(time.Duration(wanted.Ms) * time.Millisecond):
		return false, nil
	}
}

func listed(_ context.Context, wanted order) (interface{}, error) {
	entries, err := os.ReadDir(wanted.Path)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	sort.Strings(names)
	return names, err
}

func connected(_ context.Context, wanted order) (interface{}, error) {
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(wanted.Host, fmt.Sprint(wanted.Port)), 2*time.Second)
	if err != nil {
		return nil, err
	}
	return "connected", connection.Close()
}

func spawned(_ context.Context, wanted order) (interface{}, error) {
	for started := 0; started < wanted.Count; started++ {
		if exec.Command("sleep", "10").Start() != nil {
			return started, nil
		}
	}
	return wanted.Count, nil
}

func ran(_ context.Context, wanted order) (interface{}, error) {
	var out, failed strings.Builder
	command := exec.Command(wanted.Argv[0], wanted.Argv[1:]...)
	command.Stdout, command.Stderr = &out, &failed
	if err := command.Run(); command.ProcessState == nil {
		return nil, err
	}
	return map[string]interface{}{"code": command.ProcessState.ExitCode(), "stdout": out.String(), "stderr": failed.String()}, nil
}
