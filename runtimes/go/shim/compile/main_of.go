package compile

import (
	"fmt"
	"strings"
)

// The text of the main that serves these packages, and the folder of the module where it lies: in that of the package at the top
// where it is a main of its own, whose functions no other package may use.
func mainOf(packages []found, module string) (text, folder string) {
	own := module + "/" + ownFolder
	folder = ownFolder + "/main"
	imports := []string{fmt.Sprintf("taibai_function %q", own+"/function")}
	var modules strings.Builder
	hasWeb := false
	for at, one := range packages {
		hasWeb = hasWeb || len(one.webs) > 0
		qualifier := fmt.Sprintf("f%d.", at)
		switch {
		case one.path == "" && one.name == "main":
			folder, qualifier = "", ""
		case len(one.events)+len(one.webs) == 0:
		default:
			imports = append(imports, fmt.Sprintf("f%d %q", at, joined(module, one.path)))
		}
		modules.WriteString(moduleText(one, qualifier))
	}
	if hasWeb {
		imports = append(imports, fmt.Sprintf("taibai_web %q", own+"/web"))
	}
	text = fmt.Sprintf("package main\n\nimport (\n\t%s\n)\n\nfunc main() {\n\ttaibai_function.Serve([]taibai_function.Module{\n%s\t})\n}\n",
		strings.Join(imports, "\n\t"), modules.String())
	return text, folder
}

func moduleText(one found, qualifier string) string {
	names := []string{one.path}
	if one.path == "" {
		names = []string{"main", one.name}
	}
	var functions []string
	for _, name := range one.events {
		functions = append(functions, fmt.Sprintf("%q: %s%s", name, qualifier, name))
	}
	for _, name := range one.webs {
		functions = append(functions, fmt.Sprintf("%q: taibai_web.Handler(%s%s)", name, qualifier, name))
	}
	init := "nil"
	if one.hasInit {
		init = qualifier + "Init"
	}
	return fmt.Sprintf("\t\t{Names: %s, Init: %s, Functions: map[string]interface{}{%s}, Others: %s},\n",
		list(names), init, strings.Join(functions, ", "), list(one.others))
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for at, text := range texts {
		quoted[at] = fmt.Sprintf("%q", text)
	}
	return "[]string{" + strings.Join(quoted, ", ") + "}"
}

func joined(module, path string) string {
	if path == "" {
		return module
	}
	return module + "/" + path
}
