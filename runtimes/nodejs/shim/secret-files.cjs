/** Secrets that the function wants as files: written once, before its code is loaded, readable by the worker's user only. */

const { builtin } = require('./builtins.cjs')
const { chmodSync, mkdirSync, writeFileSync } = builtin('node:fs')
const { join } = builtin('node:path')

function writeSecretFiles(folder, files) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of Object.keys(files)) {
    const path = join(folder, name)
    writeFileSync(path, files[name], { mode: 0o400 })
    chmodSync(path, 0o400)
  }
}

module.exports = { writeSecretFiles }
