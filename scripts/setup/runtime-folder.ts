// What the image build reads of a folder in runtimes/: its manifest, and the hash of what goes into the image.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface RuntimeFolder {
  name: string
  folder: string
  image: string
  /** The shim's command line inside the image. */
  command: string[]
  base: BaseRecipe
}

export interface BaseRecipe {
  /** The official slim image, used where a registry answers. */
  image: string
  /** Debian packages of the local base. */
  debian: string[]
  /** An npm package family whose `<npm>-<arch>` member carries the language's programs. */
  npm?: string
}

/** Deployed or run by tests, never copied into an image: changing them rebuilds nothing. */
const NOT_IN_THE_IMAGE = new Set(['template', 'conformance'])

export function readRuntimeFolders(root: string): RuntimeFolder[] {
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'runtime.json')))
    .sort()
    .map((name) => readRuntimeFolder(join(root, name)))
}

export function hashFolder(folder: string): string {
  const hash = createHash('sha256')
  for (const path of filesOf(folder)) {
    const content = readFileSync(join(folder, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

function readRuntimeFolder(folder: string): RuntimeFolder {
  const manifest = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8'))
  const { name, image, command, base } = manifest
  return { name, folder, image, command, base: { debian: [], ...base } }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !NOT_IN_THE_IMAGE.has(path.split('/')[0] ?? ''))
    .sort()
}
