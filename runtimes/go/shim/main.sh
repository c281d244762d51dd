#!/bin/sh
# The Go worker. In its image the starter is compiled; on a plain process the Go of this machine does it, once, and compiles functions.
# "main.sh program FOLDER" compiles a program of its own and prints where it is.
# A reader walks: starter/main → starter/become → function/worker (linked into the function by compile/).
here=$(dirname "$0")
[ -x "$here/starter.bin" ] && exec "$here/starter.bin" "$@"
home=$(eval echo "~$(id -un)")
export TAIBAI_GO_SHIM="$here" TAIBAI_GO_KEPT="${TAIBAI_GO_KEPT:-$home/.cache/taibai-go}"
export GOCACHE="${GOCACHE:-$home/.cache/go-build}" GOMODCACHE="${GOMODCACHE:-$home/go/pkg/mod}"
starter="$TAIBAI_GO_KEPT/starter-$(cat "$here"/*/*.go "$here/go.mod" | sha256sum | cut -c1-16)"
if [ ! -x "$starter" ]; then
  mkdir -p "$TAIBAI_GO_KEPT"
  (cd "$here" && CGO_ENABLED=0 GOTOOLCHAIN=local go build -o "$starter.$$" ./starter && mv "$starter.$$" "$starter") >&2 || exit 70
else
  touch "$starter" 2>/dev/null || true
fi
exec "$starter" "$@"
