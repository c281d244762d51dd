import { runtimeManifests } from '../assets.ts'

/** By which files a language is known: each runtime says it of itself. */
export interface LanguageFiles {
  /** Runtime of a source file, by the end of its name. */
  runtimeOf: Record<string, string>
  /** Files that say what a folder is written in, the surest first. */
  marks: [file: string, runtime: string][]
}

interface Told {
  name: string
  extensions?: string[]
  marks?: string[]
}

/** What the modules are called where a folder begins. */
const beginnings = ['main', 'index', 'app', 'handler']

let known: LanguageFiles | undefined

export function languageFiles(): LanguageFiles {
  known ??= filesOf(runtimeManifests().flatMap(runtimesIn))
  return known
}

/** A runtime and its twins. */
const runtimesIn = (manifest: Record<string, unknown>): Told[] => {
  const { also = [], ...own } = manifest as unknown as Told & { also?: Told[] }
  return [own, ...also]
}

function filesOf(runtimes: Told[]): LanguageFiles {
  const runtimeOf = Object.fromEntries(
    runtimes.flatMap(({ name, extensions = [] }) => extensions.map((ending) => [ending, name])),
  )
  const told = runtimes.flatMap(({ name, marks = [] }) => marks.map((file): [string, string] => [file, name]))
  const modules = beginnings.flatMap((module) =>
    Object.entries(runtimeOf).map(([ending, runtime]): [string, string] => [`${module}${ending}`, runtime]),
  )
  return { runtimeOf, marks: [...told, ...modules] }
}
