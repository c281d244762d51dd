import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { getRawAsset } from 'node:sea'
import { pathToFileURL } from 'node:url'
import type { DocPage } from './domain/platform/doc-page.ts'
import { makeFolder } from './folder.ts'

/**
 * Files that are shipped with the program besides its code: the runtimes' folders, the documentation, SQLite's add-on, the
 * ledger's thread. In the source tree they are files; the executable contains them, and unpacks those that must be files.
 */

/** How the program was built: as one file, as an npm package, or not at all. */
const bundle = (globalThis as { taibaiBundle?: 'executable' | 'package' }).taibaiBundle

/** True for the one-file executable. */
export const isExecutable = bundle === 'executable'

/** The source tree, or the folder of the package; empty in the executable. */
export const projectFolder = isExecutable ? '' : resolve(import.meta.dirname, '..')

/** Assets that the executable contains uncompressed: its commands with their code cache, and the files that they read. */
export const plainAssets = ['package.json', 'manifest.json', 'commands.cjs', 'commands.cache']

/** Version of the release, from package.json. */
export const version: string = JSON.parse(assetText('package.json')).version

/** The text of a shipped file, by its path in the source tree. */
export function assetText(path: string): string {
  return isExecutable ? carried(path).toString('utf8') : readFileSync(join(projectFolder, path), 'utf8')
}

/** Files that every command reads are stored uncompressed; others are compressed, and the decompressor is loaded on demand. */
function carried(path: string): Buffer {
  if (plainAssets.includes(path)) return Buffer.from(getRawAsset(path))
  return isInPlatformAsset(path) ? (platformFiles().get(path) as Buffer) : decompressed(path)
}

function decompressed(name: string): Buffer {
  const { zstdDecompressSync } = process.getBuiltinModule('node:zlib')
  return zstdDecompressSync(Buffer.from(getRawAsset(`${name}.zst`)))
}

/** One asset has what platforms supply, because it has much in common: apart, it would be larger by a third. */
export const platformAsset = 'platform'
export const isInPlatformAsset = (path: string): boolean => /^runtimes\/[^/]+\/platform\//.test(path)

/** The files of that asset, which has one after the other in the manifest's order. */
function platformFiles(): Map<string, Buffer> {
  const whole = decompressed(platformAsset)
  let at = 0
  const entries = Object.entries(manifest().files).filter(([path]) => isInPlatformAsset(path))
  const files = new Map<string, Buffer>()
  for (const [path, bytes] of entries) {
    files.set(path, whole.subarray(at, at + bytes))
    at += bytes
  }
  return files
}

/** The pages of `docs/`, and that of the runtimes. */
export function readDocs(): DocPage[] {
  const files = docFiles()
    .filter(isPage)
    .map((path) => ({ name: basename(path, '.md'), markdown: assetText(path) }))
  return [...files, { name: 'runtimes', markdown: assetText('runtimes/README.md') }]
}

const docFiles = (): string[] =>
  isExecutable ? (manifest().docs ?? []) : readdirSync(join(projectFolder, 'docs')).map((file) => `docs/${file}`)

/** The folder also contains files to which the pages refer. */
const isPage = (path: string): boolean => path.endsWith('.md')

/** A file of the built console; null: it does not exist, or the console is not built. */
export function consoleFile(name: string): Buffer | null {
  try {
    return isExecutable ? carried(`console/${name}`) : readFileSync(join(projectFolder, 'dist/console', name))
  } catch {
    return null
  }
}

/** The program and its first arguments, for starting it again. */
export const ownCommand = (): [string, ...string[]] =>
  isExecutable ? [process.execPath] : [process.execPath, join(projectFolder, 'src', bundle ? 'main.cjs' : 'main.ts')]

/** Command that starts a Node.js program: its flags and file are appended. */
export const nodeCommand = (): string[] => (isExecutable ? [process.execPath, 'shim'] : [process.execPath])

/** Changes with everything that requires a restart of the server: its source, its packages, its runtimes. */
export function releaseIdentity(): string {
  if (bundle !== undefined) return manifest().build
  const sources = ['src', 'runtimes'].map((name) => hashFolder(join(projectFolder, name)))
  return [...sources, assetText('package-lock.json')].join('\n')
}

/** The list of a built program's assets, written by the build, because assets cannot be listed. */
interface Manifest {
  /** Hash of everything including the code, so that releases can share a cache folder. */
  build: string
  /** Files to unpack, with their sizes in bytes. */
  files: Record<string, number>
  /** Paths of the pages of `docs/`, which are not unpacked. */
  docs?: string[]
}

const addonName = 'better_sqlite3.node'
const manifest = (): Manifest => JSON.parse(assetText('manifest.json'))
const unpackedFolder = (cacheDir: string): string => join(cacheDir, manifest().build.slice(0, 16))

/** Folder of the runtimes; in the executable it exists only after `unpackAssets`. */
export const runtimesFolder = (cacheDir: string): string =>
  isExecutable ? join(unpackedFolder(cacheDir), 'runtimes') : join(projectFolder, 'runtimes')

/** The `runtime.json` of each runtime, available without unpacking. */
export function runtimeManifests(): Record<string, unknown>[] {
  const files = isExecutable
    ? Object.keys(manifest().files).filter((path) => /^runtimes\/[^/]+\/runtime\.json$/.test(path))
    : readdirSync(join(projectFolder, 'runtimes')).map((name) => `runtimes/${name}/runtime.json`)
  return files
    .filter((path) => isExecutable || existsSync(join(projectFolder, path)))
    .sort()
    .map((path) => JSON.parse(assetText(path)))
}

/** Files of the runtimes by relative path, available without unpacking. */
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

/** Paths for the store where its files are not in their usual places. */
export interface StoreFiles {
  /** SQLite's add-on. */
  addon: string
  /** The thread that writes the ledger: its code, or its file. */
  ledgerThread: string | URL
}

/** Undefined: the files are in their usual places. In the executable they exist only after `unpackAssets`. */
export const storeFiles = (cacheDir: string): Partial<StoreFiles> => {
  if (bundle === undefined) return {}
  if (!isExecutable) return { ledgerThread: pathToFileURL(join(projectFolder, 'src', 'ledger-thread.cjs')) }
  return { addon: join(unpackedFolder(cacheDir), addonName), ledgerThread: assetText('ledger-thread.cjs') }
}

/**
 * Unpacks the assets that must be files. It may be repeated or run concurrently: each file appears atomically. Throws an Error
 * with a sentence when it fails.
 */
export function unpackAssets(cacheDir: string): void {
  if (!isExecutable) return
  try {
    const folder = unpackedFolder(cacheDir)
    const missing = Object.entries(manifest().files)
      .filter(([name, bytes]) => statSync(join(folder, name), { throwIfNoEntry: false })?.size !== bytes)
      .map(([name]) => name)
    const platform = missing.some(isInPlatformAsset) ? platformFiles() : new Map<string, Buffer>()
    for (const name of missing) writeAtomically(join(folder, name), platform.get(name) ?? carried(name))
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(
      `The program could not unpack its files (${why}): set TAIBAI_CACHE_DIR to a folder that you may write to.`,
      {
        cause,
      },
    )
  }
}

function writeAtomically(path: string, content: Buffer): void {
  makeFolder(dirname(path))
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, content, { mode: 0o644 })
  renameSync(unfinished, path)
}

/** Deployed code, test suites, or images of their own: changes of them do not affect the runtime's image. */
const notInTheImage = new Set(['template', 'templates', 'examples', 'conformance', 'builder'])

/** SHA-256 of a folder's files in hexadecimal; of a runtime's folder, only the files of its image. */
export function hashFolder(folder: string): string {
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
  for (const path of filesOf(folder)) {
    const content = readFileSync(join(folder, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/**
 * Tags images of a runtime's folder with the hash of its files: releases with different shims use different images, so that
 * installations can share an engine. A name in `runtime.json` that already has a tag stays unchanged. Reads the files once.
 */
export function imageTagger(folder: string): (image: string) => string {
  let hash: string | undefined
  return (image) => {
    const hasTag = image.slice(image.lastIndexOf('/')).includes(':')
    if (hasTag) return image
    hash ??= hashFolder(folder).slice(0, 12)
    return `${image}:${hash}`
  }
}

/** Sorted paths of the files of a runtime's folder that belong to its image. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !notInTheImage.has(path.split('/')[0] ?? ''))
    .sort()
}
