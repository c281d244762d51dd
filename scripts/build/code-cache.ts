// Runs the program as the executable will, and writes V8's code cache at its end: `MAIN ASSETS OUTPUT WORDS…`.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { constants, Script } from 'node:vm'

const [main = '', assets = '', output = '', ...words] = process.argv.slice(2)
const require = createRequire(import.meta.url)

/** Files by their names in the executable. */
const files: Record<string, string> = JSON.parse(readFileSync(assets, 'utf8'))
const sea = {
  getRawAsset(name: string): ArrayBuffer {
    const path = files[name]
    if (path === undefined) throw new Error(`There is no asset ${name}.`)
    return new Uint8Array(readFileSync(path)).buffer
  },
}

// Otherwise V8 drops the code of unused functions. The flag is part of the cache's key: it is reset before the cache is created.
setFlagsFromString('--no-flush-bytecode')
const script = new Script(readFileSync(main, 'latin1'), {
  filename: basename(main).replace('.wrapped', ''),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
process.argv = [process.execPath, process.execPath, ...words]
process.once('exit', () => {
  setFlagsFromString('--flush-bytecode')
  writeFileSync(output, script.createCachedData())
})
const requireOf = (name: string) => (name === 'node:sea' ? sea : require(name))
script.runInThisContext()(requireOf, { exports: {} })
