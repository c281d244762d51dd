package main

import (
	"context"
	"fmt"
)

type Event struct {
	Name string `json:"name"`
}

type Answer struct {
	Greeting string `json:"greeting"`
}

func Handler(ctx context.Context, event Event) (Answer, error) {
	fmt.Println("called as", ctx.Value("execution_id"))
	if event.Name == "" {
		event.Name = "Taibai"
	}
	return Answer{"Hello, " + event.Name + "!"}, nil
}
