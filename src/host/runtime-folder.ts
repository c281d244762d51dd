import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { taggedImage } from '../assets.ts'
import { askedVersions } from '../domain/runtime.ts'

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
  /** Release of Debian of the local base; default: the newest. */
  suite?: string
  /** An npm package family whose `<npm>-<arch>` member carries the language's programs; `@` and a version behind it: that one. */
  npm?: string
}

/** As `runtime.json` says it of the language, and of each further version of it. */
interface Named {
  name: string
  image: string
  base: Partial<BaseRecipe> & Pick<BaseRecipe, 'image'>
}

/** One for each image; `versions`: further versions of languages that are asked for, by name. */
export function readRuntimeFolders(root: string, versions: string[] = []): RuntimeFolder[] {
  const all = readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'runtime.json')))
    .sort()
    .map((name) => readRuntimeFolder(join(root, name)))
  const further = all.flatMap((one) => one.versions)
  const known = all.flatMap(({ names }) => names)
  return [...all.map(({ runtime }) => runtime), ...askedVersions(further, versions, known)]
}

function readRuntimeFolder(folder: string): { runtime: RuntimeFolder; versions: RuntimeFolder[]; names: string[] } {
  const { command, versions = [], also = [], ...own } = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8'))
  const runtimeOf = ({ name, image, base }: Named): RuntimeFolder => {
    const recipe = { debian: [], ...base }
    return { name, folder, repository: image, image: taggedImage(folder, image), command, base: recipe }
  }
  const names = [own, ...also].map(({ name }) => name)
  return { runtime: runtimeOf(own), versions: versions.map(runtimeOf), names }
}
