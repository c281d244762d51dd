import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { taggedImage } from '../assets.ts'

/** What the image build reads of a folder in runtimes/: its manifest. */

export interface RuntimeFolder {
  name: string
  folder: string
  /** Its name without a tag, which always means the newest. */
  repository: string
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

export function readRuntimeFolders(root: string): RuntimeFolder[] {
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'runtime.json')))
    .sort()
    .map((name) => readRuntimeFolder(join(root, name)))
}

function readRuntimeFolder(folder: string): RuntimeFolder {
  const manifest = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8'))
  const { name, image, command, base } = manifest
  return { name, folder, repository: image, image: taggedImage(folder, image), command, base: { debian: [], ...base } }
}
