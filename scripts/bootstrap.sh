#!/bin/sh
# Runs a script of this project on the project's own Node.js, after installing the packages if they are missing or outdated. It
# needs only Node.js 20 and npm; Taibai itself runs on the Node.js 24 in its packages. Usage: sh scripts/bootstrap.sh [--from
# FOLDER] scripts/NAME.ts [arguments]
set -eu
cd "$(dirname "$0")/.."

main() {
  from=
  if [ "${1-}" = --from ]; then
    from=$2
    shift 2
  fi
  installed || install
  pick_node
  PATH="$PWD/node_modules/.bin:$PATH"
  export PATH
  script=$PWD/$1
  shift
  [ -z "$from" ] || go_back "$from"
  exec "$node" "$script" "$@"
}

# Paths in arguments are relative to the caller's folder; the data folder stays where the server has it.
go_back() {
  case "${TAIBAI_DATA_DIR:=data}" in /*) ;; *) TAIBAI_DATA_DIR=$PWD/$TAIBAI_DATA_DIR ;; esac
  export TAIBAI_DATA_DIR
  cd "$1"
}

wanted() { cksum <package-lock.json; }
installed() { [ "$(cat node_modules/.taibai-lock-sum 2>/dev/null)" = "$(wanted)" ]; }

install() {
  command -v node >/dev/null 2>&1 || fail "Node.js is not installed. Install Node.js 20 or newer with npm; the Node.js that Taibai itself runs on comes with its packages."
  # npm must not run on a Node.js that it is about to replace.
  PATH=$(printf %s "$PATH" | tr : '\n' | grep -v node_modules | paste -s -d : -)
  command -v npm >/dev/null 2>&1 || fail "npm is not installed. It belongs to Node.js; on Debian: apt-get install npm"
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || fail "This system's Node.js is too old for npm to install the packages: it is $(node --version), at least 20 is needed."
  lock
  installed || install_packages
  unlock
}

install_packages() {
  echo "▸ Packages: installing (about half a minute)"
  # --loglevel=error hides npm's EBADENGINE warnings: packages that need a newer Node.js than npm's own get it.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || fail "npm could not install the packages; its message is above."
  wanted >node_modules/.taibai-lock-sum
  echo "  ✓ installed"
}

# Two concurrent runs of npm ci would damage node_modules. Creating a directory is atomic.
lock() {
  lock="${TMPDIR:-/tmp}/taibai-install-$(pwd | cksum | tr ' ' -)"
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null) || owner=
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$lock"; else sleep 1; fi
  done
  trap unlock EXIT
  trap 'exit 130' INT TERM
  echo $$ >"$lock/pid"
}
unlock() {
  rm -rf "$lock"
  trap - EXIT INT TERM
}

pick_node() {
  node=$PWD/node_modules/.bin/node
  "$node" --version >/dev/null 2>&1 && return
  node=$(command -v node) || fail "No Node.js found. Install Node.js 22.22 or newer."
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 22) ? 0 : 1)' ||
    fail "There is no packaged Node.js for this system ($(uname -sm)), and its own is $("$node" --version). Install Node.js 22.22 or newer."
}

fail() {
  echo "$1" >&2
  exit 1
}

main "$@"
