#!/bin/bash
# The event is on standard input, standard output is the result, and standard error is the log.
set -euo pipefail
event=$(cat)
echo "called as $FN_EXECUTION_ID with ${#event} bytes" >&2
name=$(sed -n 's/.*"name" *: *"\([^"]*\)".*/\1/p' <<<"$event")
echo "{\"greeting\": \"Hello, ${name:-world}!\"}"
