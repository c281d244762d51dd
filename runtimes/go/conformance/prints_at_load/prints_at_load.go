// Package prints_at_load says something before its first call.
package prints_at_load

import "fmt"

func Init() { fmt.Println("loading") }

func Main() string { return "loaded" }
