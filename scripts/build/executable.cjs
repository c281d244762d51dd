// The executable's entry: prints its version, or runs the commands or the server with their code cache.
'use strict'

const { getRawAsset } = require('node:sea')

const words = process.argv.slice(2)

if (words.length === 1 && words[0] === '--version') process.stdout.write(`${ownVersion}\n`)
else if (words.length === 0 || words[0] === 'serve') run('main.cjs', unpacked('main.cjs'), unpacked('main.cache'))
else run('commands.cjs', carried('commands.cjs'), carried('commands.cache'))

/** The program is pure ASCII; the build wrapped it in a function. */
function run(filename, source, cachedData) {
  const { Script, constants } = require('node:vm')
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  const script = new Script(source.latin1Slice(), { filename, cachedData, importModuleDynamically })
  script.runInThisContext()(require, module)
}

function carried(name) {
  return Buffer.from(getRawAsset(name))
}

function unpacked(name) {
  return require('node:zlib').zstdDecompressSync(carried(`${name}.zst`))
}
