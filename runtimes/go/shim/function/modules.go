package function

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Module is a package whose functions can be asked for.
type Module struct {
	// Its path in the deployed package; the one at the top is "main", too.
	Names []string
	// Called before the first call, where the package has one: `func Init()`, or `func Init() error`.
	Init interface{}
	// Exported functions by name.
	Functions map[string]interface{}
	// Exported functions of packages that are no functions of their own: for those who ask what there is.
	Others []string
}

// What a function at the top is called where the entry does not say more.
var usualNames = []string{"Main", "Handle", "Handler"}

func handlerOf(modules []Module, entry, signature string) (Handler, error) {
	if signature != "event" && signature != "http" {
		return nil, Refusal{"UnknownSignature", fmt.Sprintf("this runtime does not know the signature %q; it knows event, http", signature)}
	}
	module, name, err := find(modules, entry)
	if err != nil {
		return nil, err
	}
	if module.Init != nil {
		if err := begin(module.Init); err != nil {
			return nil, err
		}
	}
	return prepared(module.Functions[name], name, signature)
}

func find(modules []Module, entry string) (Module, string, error) {
	at := strings.LastIndex(entry, ".")
	if at <= 0 || at == len(entry)-1 || strings.HasPrefix(entry, "/") || strings.Contains(entry, "..") {
		return Module{}, "", Refusal{"EntryNotFound", fmt.Sprintf("the entry %q is not of the form module.callable", entry)}
	}
	path, callable := strings.TrimPrefix(entry[:at], "./"), entry[at+1:]
	for _, module := range modules {
		if !contains(module.Names, path) {
			continue
		}
		for _, name := range namesFor(entry, callable) {
			if module.Functions[name] != nil {
				return module, name, nil
			}
		}
		there := append(namesIn(module.Functions), module.Others...)
		text := fmt.Sprintf("the package %s has no function %q; it exports: %s", path, exported(callable), listing(there))
		return Module{}, "", Refusal{"EntryNotFound", text}
	}
	var paths []string
	for _, module := range modules {
		paths = append(paths, module.Names[0])
	}
	text := fmt.Sprintf("there is no package %s in the code; its packages with functions are: %s", path, listing(paths))
	return Module{}, "", Refusal{"EntryNotFound", text}
}

// Go calls what others may call by a capital letter.
func namesFor(entry, callable string) []string {
	if entry == "main.main" {
		return usualNames
	}
	return []string{exported(callable)}
}

func exported(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}

func begin(init interface{}) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = panicked(thrown)
		}
	}()
	results := reflect.ValueOf(init).Call(nil)
	if len(results) == 1 {
		err, _ = results[0].Interface().(error)
	}
	return err
}

func namesIn(functions map[string]interface{}) []string {
	var names []string
	for name := range functions {
		names = append(names, name)
	}
	return names
}

func listing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

func contains(names []string, wanted string) bool {
	for _, name := range names {
		if name == wanted {
			return true
		}
	}
	return false
}
