package compile

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// found is a package with functions that can be asked for.
type found struct {
	// Relative to the module; "" at the top.
	path    string
	name    string
	hasInit bool
	// Functions of events, and functions that take requests.
	events, webs []string
	// Further exported functions, which are not linked.
	others []string
}

// What makes a package below the top one of functions: others are what packages export to each other.
var usualNames = map[string]bool{"Main": true, "Handle": true, "Handler": true}

func packagesIn(code, module string) ([]found, error) {
	var all []found
	err := filepath.WalkDir(code, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if path != code && (isHidden(entry.Name()) || isModule(path)) {
			return filepath.SkipDir
		}
		below, _ := filepath.Rel(code, path)
		one, err := packageIn(path, strings.TrimPrefix(filepath.ToSlash(below), "."))
		if one != nil {
			all = append(all, *one)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("the package has no function: export one at its top, such as func Handler(ctx context.Context, event T) (R, error)")
	}
	return all, err
}

func isHidden(name string) bool { return isNoPackage(name) || name == "internal" }

func isNoPackage(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "vendor" || name == "testdata" || name == "node_modules"
}

// As packages are compiled here.
func forServers() *build.Context {
	built := build.Default
	built.CgoEnabled = false
	return &built
}

// A module of its own is none of this one's packages.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// Nil: a folder without Go, or of no use to anybody who calls functions.
func packageIn(folder, path string) (*found, error) {
	listed, err := forServers().ImportDir(folder, 0)
	if _, isNone := err.(*build.NoGoError); isNone {
		return nil, nil
	}
	if _, areSeveral := err.(*build.MultiplePackageError); areSeveral && path != "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := &found{path: path, name: listed.Name}
	for _, file := range listed.GoFiles {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, declared := range parsed.Decls {
			function, isFunction := declared.(*ast.FuncDecl)
			if !isFunction || function.Recv != nil {
				continue
			}
			if function.Name.Name == "main" && path == "" && one.name == "main" {
				return nil, fmt.Errorf("%s has a func main: leave it out, for exported functions are called; a program of its own, such as one that calls lambda.Start, is for the runtime \"provided\"", file)
			}
			one.add(function)
		}
	}
	for _, names := range [][]string{one.events, one.webs, one.others} {
		sort.Strings(names)
	}
	if path == "" {
		return one, nil
	}
	if one.name == "main" {
		return nil, nil
	}
	return one.ofUsualNames(), nil
}

func (one *found) add(function *ast.FuncDecl) {
	name := function.Name.Name
	switch {
	case !ast.IsExported(name) || function.Type.TypeParams != nil:
	case name == "Init" && isInit(function.Type):
		one.hasInit = true
	case isWeb(function.Type):
		one.webs = append(one.webs, name)
	default:
		one.events = append(one.events, name)
	}
}

// Below the top only functions with the usual names are linked.
func (one *found) ofUsualNames() *found {
	kept := &found{path: one.path, name: one.name}
	for _, name := range one.events {
		if usualNames[name] {
			kept.events = append(kept.events, name)
		} else {
			kept.others = append(kept.others, name)
		}
	}
	for _, name := range one.webs {
		if usualNames[name] {
			kept.webs = append(kept.webs, name)
		} else {
			kept.others = append(kept.others, name)
		}
	}
	kept.hasInit = one.hasInit && len(kept.events)+len(kept.webs) > 0
	return kept
}

// func Init() or func Init() error
func isInit(kind *ast.FuncType) bool {
	if kind.Params.NumFields() != 0 || kind.Results.NumFields() > 1 {
		return false
	}
	if kind.Results.NumFields() == 0 {
		return true
	}
	result, isName := kind.Results.List[0].Type.(*ast.Ident)
	return isName && result.Name == "error"
}

// func(http.ResponseWriter, *http.Request)
func isWeb(kind *ast.FuncType) bool {
	var types []ast.Expr
	for _, field := range kind.Params.List {
		for range field.Names {
			types = append(types, field.Type)
		}
		if len(field.Names) == 0 {
			types = append(types, field.Type)
		}
	}
	if len(types) != 2 || kind.Results.NumFields() != 0 {
		return false
	}
	writer, isWriter := types[0].(*ast.SelectorExpr)
	pointer, isPointer := types[1].(*ast.StarExpr)
	if !isWriter || !isPointer || writer.Sel.Name != "ResponseWriter" {
		return false
	}
	request, isRequest := pointer.X.(*ast.SelectorExpr)
	return isRequest && request.Sel.Name == "Request"
}
