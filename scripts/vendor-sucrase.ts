// Builds runtimes/nodejs/shim/vendor/sucrase.cjs from the package: the shim's compiler for TypeScript and JSX.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const file = fileURLToPath(new URL('../runtimes/nodejs/shim/vendor/sucrase.cjs', import.meta.url))

/** The expected file. */
export async function bundledSucrase(): Promise<string> {
  const folder = join(createRequire(import.meta.url).resolve('sucrase/package.json'), '..')
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const license = readFileSync(join(folder, 'LICENSE'), 'utf8').trim()
  const options = { bundle: true, platform: 'node', minify: true, write: false, legalComments: 'none' } as const
  const stdin = { contents: `module.exports = { transform: require('sucrase').transform }`, resolveDir: folder }
  const { outputFiles } = await build({ ...options, stdin, format: 'cjs' })
  return `/*! sucrase ${version}, made by scripts/vendor-sucrase.ts\n\n${license}\n*/\n${outputFiles[0]?.text}`
}

if (import.meta.main) writeFileSync(file, await bundledSucrase())
