import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageTagger } from '../assets.ts'
import { requestedVersions } from '../domain/functions/runtime.ts'
import { SetupProblem } from './problem.ts'

/** The manifest of a folder in runtimes/, as the image build reads it. */

export interface RuntimeFolder {
  name: string
  folder: string
  /** The image's name without a tag. */
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
  /** Debian release of the local base; default: the newest. */
  suite?: string
  /** An npm package family whose `<npm>-<arch>` member contains the language's programs; an optional `@` and version follow. */
  npm?: string
}

/** The manifest's part for the language, and for each further version of it. */
interface Named {
  name: string
  image: string
  also?: { name: string }[]
  base: Partial<BaseRecipe> & Pick<BaseRecipe, 'image'>
}

/** One entry per image; `asked`: names of further languages and versions. */
export function readRuntimeFolders(root: string, asked: string[] = []): RuntimeFolder[] {
  const all = readFolders(root)
  const usual = all.flatMap((one) => (one.isOptional ? [] : [one.usual]))
  const further = all.flatMap((one) => [...(one.isOptional ? [one.usual] : []), ...one.versions])
  const known = usual.flatMap(({ names }) => names)
  return [...usual, ...requestedVersions(further, asked, known)].map(({ runtime }) => runtime)
}

/** All languages, whether requested or not. */
export const readLanguages = (root: string): RuntimeFolder[] => readFolders(root).map(({ usual }) => usual.runtime)

/** Folders with one of these names, including further versions. Throws SetupProblem for an unknown name. */
export function namedRuntimeFolders(root: string, asked: string[]): RuntimeFolder[] {
  const all = readFolders(root).flatMap(({ usual, versions }) => [usual, ...versions])
  const unknown = asked.find((name) => !all.some(({ names }) => names.includes(name)))
  if (unknown !== undefined) {
    const there = all.map(({ names }) => names[0]).join(', ')
    throw new SetupProblem(`There is no runtime "${unknown}" that has an image of its own; choose from ${there}.`)
  }
  return all.filter(({ names }) => names.some((name) => asked.includes(name))).map(({ runtime }) => runtime)
}

function readFolders(root: string): LanguageImages[] {
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'runtime.json')))
    .sort()
    .map((name) => readRuntimeFolder(join(root, name)))
}

/** An image with the names of all its runtimes. */
interface NamedImage {
  names: string[]
  runtime: RuntimeFolder
}

/** The images of one folder. */
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
  const tagged = imageTagger(folder)
  const imageOf = ({ name, image, base, also = [] }: Named): NamedImage => {
    const recipe = { debian: [], ...base }
    const runtime = { name, folder, repository: image, image: tagged(image), command, base: recipe }
    return { names: [name, ...also.map((twin) => twin.name)], runtime }
  }
  return { isOptional: optional, usual: imageOf(own), versions: versions.map(imageOf) }
}
