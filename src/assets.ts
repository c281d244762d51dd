import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { getRawAsset } from 'node:sea'
import { pathToFileURL } from 'node:url'
import type { DocPage } from './domain/doc-page.ts'
import { makeFolder } from './folder.ts'

/**
 * What travels with the program beside its code: the runtimes' folders, the documentation, SQLite's add-on, the ledger's
 * thread. From the source tree they are files; the executable carries them, and unpacks those that only work as files.
 */

/** How the program was built: as one file, as a package for npm, or not at all. */
const bundle = (globalThis as { taibaiBundle?: 'executable' | 'package' }).taibaiBundle

/** Whether this is the one-file executable. */
export const isExecutable = bundle === 'executable'

/** The source tree, or the folder of the package; the executable has none. */
export const projectFolder = isExecutable ? '' : resolve(import.meta.dirname, '..')

/** Files that the executable carries uncompressed: its commands with their compiled code, and what they read. */
export const plainAssets = ['package.json', 'manifest.json', 'commands.cjs', 'commands.cache']

/** Version of the release, from package.json. */
export const version: string = JSON.parse(assetText('package.json')).version

/** A file that travels, by its path in the source tree. */
export function assetText(path: string): string {
  return isExecutable ? carried(path).toString('utf8') : readFileSync(join(projectFolder, path), 'utf8')
}

/** What every command reads is carried as it is; all else is compressed, and nothing is loaded for that before it is read. */
function carried(path: string): Buffer {
  if (plainAssets.includes(path)) return Buffer.from(getRawAsset(path))
  const { zstdDecompressSync } = process.getBuiltinModule('node:zlib')
  return zstdDecompressSync(Buffer.from(getRawAsset(`${path}.zst`)))
}

/** The pages of `docs/`, and the one of the runtimes. */
export function readDocs(): DocPage[] {
  const files = docFiles()
    .filter(isPage)
    .map((path) => ({ name: basename(path, '.md'), markdown: assetText(path) }))
  return [...files, { name: 'runtimes', markdown: assetText('runtimes/README.md') }]
}

const docFiles = (): string[] =>
  isExecutable ? (manifest().docs ?? []) : readdirSync(join(projectFolder, 'docs')).map((file) => `docs/${file}`)

/** Beside the pages lie files that they speak of. */
const isPage = (path: string): boolean => path.endsWith('.md')

/** A file of the console as it was built; null: there is none of that name, or the console is not built. */
export function consoleFile(name: string): Buffer | null {
  try {
    return isExecutable ? carried(`console/${name}`) : readFileSync(join(projectFolder, 'dist/console', name))
  } catch {
    return null
  }
}

/** The program and its first arguments, to start it once more. */
export const ownCommand = (): [string, ...string[]] =>
  isExecutable ? [process.execPath] : [process.execPath, join(projectFolder, 'src', bundle ? 'main.cjs' : 'main.ts')]

/** Starts a program of Node.js; its flags and its file follow. */
export const nodeCommand = (): string[] => (isExecutable ? [process.execPath, 'shim'] : [process.execPath])

/** Changes with everything that a running server would have to be restarted for: its source, its packages, its runtimes. */
export function releaseIdentity(): string {
  if (bundle !== undefined) return manifest().build
  const sources = ['src', 'runtimes'].map((name) => hashFolder(join(projectFolder, name)))
  return [...sources, assetText('package-lock.json')].join('\n')
}

/** What a built program brings, as its build wrote it down: assets cannot be listed. */
interface Manifest {
  /** Hash of everything, the code included: releases share a cache folder without touching each other. */
  build: string
  /** What is unpacked, with its size in bytes. */
  files: Record<string, number>
  /** Paths of the pages of `docs/`; they are assets, and not unpacked. */
  docs?: string[]
}

const addonName = 'better_sqlite3.node'
const manifest = (): Manifest => JSON.parse(assetText('manifest.json'))
const unpackedFolder = (cacheDir: string): string => join(cacheDir, manifest().build.slice(0, 16))

/** Folder of the runtimes' folders; in the executable only there after `unpackAssets`. */
export const runtimesFolder = (cacheDir: string): string =>
  isExecutable ? join(unpackedFolder(cacheDir), 'runtimes') : join(projectFolder, 'runtimes')

/** What `runtime.json` of each runtime says, also where nothing is unpacked. */
export function runtimeManifests(): Record<string, unknown>[] {
  const files = isExecutable
    ? Object.keys(manifest().files).filter((path) => /^runtimes\/[^/]+\/runtime\.json$/.test(path))
    : readdirSync(join(projectFolder, 'runtimes')).map((name) => `runtimes/${name}/runtime.json`)
  return files
    .filter((path) => isExecutable || existsSync(join(projectFolder, path)))
    .sort()
    .map((path) => JSON.parse(assetText(path)))
}

/** The files below the runtimes' folder, by their paths in it; of the executable also before anything is unpacked. */
export function runtimesFiles(runtimesDir: string): { paths: string[]; read(path: string): Buffer } {
  const prefix = 'runtimes/'
  if (isExecutable && !existsSync(runtimesDir)) {
    const names = Object.keys(manifest().files).filter((name) => name.startsWith(prefix))
    return { paths: names.map((name) => name.slice(prefix.length)), read: (path) => carried(prefix + path) }
  }
  const paths = readdirSync(runtimesDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(runtimesDir.length + 1))
  return { paths: paths.sort(), read: (path) => readFileSync(join(runtimesDir, path)) }
}

/** What the store needs to be told where its own files are not beside it. */
export interface StoreFiles {
  /** SQLite's add-on. */
  addon: string
  /** The thread that writes the ledger: its code, or the file that has it. */
  ledgerThread: string | URL
}

/** Undefined: they are where their packages and modules look for them. In the executable only there after `unpackAssets`. */
export const storeFiles = (cacheDir: string): Partial<StoreFiles> => {
  if (bundle === undefined) return {}
  if (!isExecutable) return { ledgerThread: pathToFileURL(join(projectFolder, 'src', 'ledger-thread.cjs')) }
  return { addon: join(unpackedFolder(cacheDir), addonName), ledgerThread: assetText('ledger-thread.cjs') }
}

/**
 * Makes sure that what only works as a file is one. Repeated it does nothing, and several at once do no harm: each file
 * appears in one step. Throws an Error with a sentence when it cannot be done.
 */
export function unpackAssets(cacheDir: string): void {
  if (!isExecutable) return
  try {
    for (const [name, bytes] of Object.entries(manifest().files)) {
      unpack(name, bytes, join(unpackedFolder(cacheDir), name))
    }
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(`The program could not unpack its files (${why}): set TAIBAI_CACHE_DIR to a folder of yours.`, {
      cause,
    })
  }
}

function unpack(name: string, bytes: number, path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.size === bytes) return
  makeFolder(dirname(path))
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, carried(name), { mode: 0o644 })
  renameSync(unfinished, path)
}

/** Deployed, run by tests, or an image of their own: changing them makes no other image of the runtime. */
const notInTheImage = new Set(['template', 'templates', 'examples', 'conformance', 'builder'])

/** SHA-256 of the files of a folder, as hexadecimal; of a runtime's folder, of those that go into its image. */
export function hashFolder(folder: string): string {
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
  for (const path of filesOf(folder)) {
    const content = readFileSync(join(folder, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/**
 * The image of a runtime's folder, tagged with the hash of its files: releases whose shims differ have images of their own,
 * so that two installations can share an engine. A name in `runtime.json` that has a tag already stays as it is.
 */
export function taggedImage(folder: string, image: string): string {
  const hasTag = image.slice(image.lastIndexOf('/')).includes(':')
  return hasTag ? image : `${image}:${hashFolder(folder).slice(0, 12)}`
}

/** Paths of the files of a runtime's folder that go into its image, in order. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !notInTheImage.has(path.split('/')[0] ?? ''))
    .sort()
}
