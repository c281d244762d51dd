// Package throws_at_load cannot begin.
package throws_at_load

import "errors"

func Init() error { panic(errors.New("boom at load")) }

func Main() string { return "never" }
