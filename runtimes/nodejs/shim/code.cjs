/** Receives code over the connection: each CODE frame is a folder, a link, or a piece of a file. */

const { builtin } = require('./builtins.cjs')
const { appendFileSync, mkdirSync, symlinkSync, writeFileSync } = builtin('node:fs')

function layOut({ path, folder, link, executable, more }, body) {
  if (folder) mkdirSync(path, { recursive: true })
  else if (link !== undefined) symlinkSync(link, path)
  else if (more) appendFileSync(path, body)
  else writeFileSync(path, body, { mode: executable ? 0o755 : 0o644 })
}

module.exports = { layOut }
