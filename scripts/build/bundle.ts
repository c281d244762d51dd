import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { projectFolder } from '../../src/assets.ts'

/** The program as one JavaScript file, with its assets. */

export interface Bundle {
  /** Hash of all contents. */
  hash: string
  main: string
  /** The program without the server; for the executable only. */
  commands: string
  ledgerThread: string
  /** Files of this machine by their names in the program. */
  files: Record<string, string>
}

/** The kinds of builds, see `assets.ts`. */
type Kind = 'executable' | 'package'

/** `isReadable`: not minified, for readable stacks. */
export async function bundle(kind: Kind, folder: string, { isReadable = false } = {}): Promise<Bundle> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const inFolder = (name: string) => join(folder, `${name}.cjs`)
  const [main, commands, ledgerThread] = [inFolder('main'), inFolder('commands'), inFolder('ledger-thread')]
  await Promise.all([
    compile(kind, 'src/main.ts', main, { isReadable }),
    kind === 'executable' && compile(kind, 'src/main.ts', commands, { without: ['src/serve.ts'] }),
    compile(kind, 'src/store/ledger-writer.ts', ledgerThread, { isReadable }),
  ])
  const files = travelling()
  const hash = createHash('sha256')
  for (const [name, path] of Object.entries({ ...files, main, ledgerThread }))
    hash.update(name).update(readFileSync(path))
  return { hash: hash.digest('hex'), main, commands, ledgerThread, files }
}

const ownUrl = "const ownUrl = require('node:url').pathToFileURL(__filename).href;"

interface How {
  isReadable?: boolean
  /** Our own modules to leave out, by their paths in the project: a command has the name of the server's module. */
  without?: string[]
}

async function compile(
  kind: Kind,
  entry: string,
  outfile: string,
  { isReadable = false, without = [] }: How,
): Promise<void> {
  await build({
    entryPoints: [join(projectFolder, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: !isReadable,
    // An uncaught error prints its line, so lines must not be long.
    lineLimit: 200,
    keepNames: true,
    legalComments: 'none',
    // The npm package contains the real module.
    ...(kind === 'package' && { banner: { js: ownUrl } }),
    external: [kind === 'package' ? 'better-sqlite3' : '*.node', ...without.map((path) => join(projectFolder, path))],
    logLevel: 'error',
    define: {
      'import.meta.dirname': kind === 'executable' ? '""' : '__dirname',
      // Where packages are searched; the executable has none.
      'import.meta.url': kind === 'executable' ? '"file:///"' : 'ownUrl',
      'globalThis.taibaiBundle': JSON.stringify(kind),
    },
  })
}

/** Folders of assets, and files of a runtime that only tests need. */
const folders = ['runtimes', 'docs']
const forTests = /(^|\/)(conformance|__pycache__)\//

function travelling(): Record<string, string> {
  const names = folders.flatMap((folder) => filesIn(folder)).filter((name) => !forTests.test(name))
  const files = ['package.json', 'LICENSE', ...names].map((name) => [name, join(projectFolder, name)])
  // The built console, if it exists.
  const pages = filesIn('dist/console').map((path) => [path.slice('dist/'.length), join(projectFolder, path)])
  return Object.fromEntries([...files, ...pages])
}

function filesIn(folder: string): string[] {
  const path = join(projectFolder, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(projectFolder.length + 1))
    .sort()
}

/** SQLite's add-on for this machine. */
export function sqliteAddon(): string {
  const manifest = createRequire(import.meta.url).resolve('better-sqlite3/package.json')
  return join(dirname(manifest), 'prebuilds', `linux-${process.arch}.node`)
}

export const writeJson = (path: string, value: unknown): void => writeFileSync(path, JSON.stringify(value))
