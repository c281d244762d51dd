#!/bin/bash
# The event comes on standard input, what is printed is the answer, and standard error is the log.
set -euo pipefail
event=$(cat)
echo "called as $FN_EXECUTION_ID with ${#event} bytes" >&2
name=$(sed -n 's/.*"name" *: *"\([^"]*\)".*/\1/p' <<<"$event")
echo "{\"greeting\": \"Hello, ${name:-world}!\"}"
