import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { taggedImage } from '../assets.ts'
import { askedVersions } from '../domain/runtime.ts'
import { SetupProblem } from './problem.ts'

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
  also?: { name: string }[]
  base: Partial<BaseRecipe> & Pick<BaseRecipe, 'image'>
}

/** One for each image; `asked`: further languages and versions of languages, by name. */
export function readRuntimeFolders(root: string, asked: string[] = []): RuntimeFolder[] {
  const all = readFolders(root)
  const usual = all.flatMap((one) => (one.isOptional ? [] : [one.usual]))
  const further = all.flatMap((one) => [...(one.isOptional ? [one.usual] : []), ...one.versions])
  const known = usual.flatMap(({ names }) => names)
  return [...usual, ...askedVersions(further, asked, known)].map(({ runtime }) => runtime)
}

/** Of every language there is, asked for or not. */
export const readLanguages = (root: string): RuntimeFolder[] => readFolders(root).map(({ usual }) => usual.runtime)

/** Those with one of these names, further versions of languages too. Throws SetupProblem for a name that no runtime has. */
export function namedRuntimeFolders(root: string, asked: string[]): RuntimeFolder[] {
  const all = readFolders(root).flatMap(({ usual, versions }) => [usual, ...versions])
  const unknown = asked.find((name) => !all.some(({ names }) => names.includes(name)))
  if (unknown !== undefined) {
    const there = all.map(({ names }) => names[0]).join(', ')
    throw new SetupProblem(`There is no runtime "${unknown}" that has an image of its own; those are ${there}.`)
  }
  return all.filter(({ names }) => names.some((name) => asked.includes(name))).map(({ runtime }) => runtime)
}

function readFolders(root: string): LanguageImages[] {
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'runtime.json')))
    .sort()
    .map((name) => readRuntimeFolder(join(root, name)))
}

/** An image, and the names of all runtimes that it is of. */
interface NamedImage {
  names: string[]
  runtime: RuntimeFolder
}

/** Of a folder. */
interface LanguageImages {
  isOptional: boolean
  usual: NamedImage
  versions: NamedImage[]
}

function readRuntimeFolder(folder: string): LanguageImages {
  const {
    command,
    versions = [],
    optional = false,
    ...own
  } = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8'))
  const imageOf = ({ name, image, base, also = [] }: Named): NamedImage => {
    const recipe = { debian: [], ...base }
    const runtime = { name, folder, repository: image, image: taggedImage(folder, image), command, base: recipe }
    return { names: [name, ...also.map((twin) => twin.name)], runtime }
  }
  return { isOptional: optional, usual: imageOf(own), versions: versions.map(imageOf) }
}
