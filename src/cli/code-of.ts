import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { usageError } from './command.ts'
import { packFile, packFolder } from './package-zip.ts'

/** What a path on this machine is as the code of a function. */

export interface LocalCode {
  /** Name of the function, unless another is given. */
  name: string
  /** Guessed from the files; undefined: nothing tells. */
  runtime: string | undefined
  /** `module.callable` where the only source file is not called main. */
  entry: string | undefined
  zip: Buffer
  /** What it was taken for, for people. */
  what: string
}

const runtimeOf: Record<string, string> = {
  '.js': 'nodejs',
  '.mjs': 'nodejs',
  '.cjs': 'nodejs',
  '.ts': 'nodejs',
  '.mts': 'nodejs',
  '.tsx': 'nodejs',
  '.py': 'python3',
}

/** Files that say what a folder is written in, the surest first. */
const marks: [file: string, runtime: string][] = [
  ['package.json', 'nodejs'],
  ['requirements.txt', 'python3'],
  ['pyproject.toml', 'python3'],
  ...['main', 'index', 'app', 'handler'].flatMap((name) =>
    Object.entries(runtimeOf).map(([ending, runtime]): [string, string] => [`${name}${ending}`, runtime]),
  ),
]

/** Throws CliError when there is nothing that could be code. */
export function codeOf(path: string): LocalCode {
  const full = resolve(path)
  const stats = statSync(full, { throwIfNoEntry: false })
  if (stats === undefined) throw usageError(`There is no file or folder ${path}.`)
  if (stats.isDirectory()) return ofFolder(full)
  const ending = extname(full)
  const name = functionName(basename(full, ending))
  if (ending === '.zip') {
    return { name, runtime: undefined, entry: undefined, zip: readFileSync(full), what: `the ZIP ${basename(full)}` }
  }
  const runtime = runtimeOf[ending]
  if (runtime === undefined) {
    throw usageError(
      `${path} does not have the extension of a language that a runtime knows: deploy a folder or a ZIP, and pass --runtime.`,
    )
  }
  const module = basename(full, ending)
  const zip = packFile(basename(full), readFileSync(full))
  return {
    name,
    runtime,
    entry: module === 'main' ? undefined : `${module}.main`,
    zip,
    what: `the file ${basename(full)}`,
  }
}

function ofFolder(folder: string): LocalCode {
  const { zip, files } = packFolder(folder)
  const runtime = marks.find(([file]) => existsSync(join(folder, file)))?.[1] ?? onlyLanguage(folder)
  const count = files.length === 1 ? '1 file' : `${files.length} files`
  return {
    name: functionName(basename(folder)),
    runtime,
    entry: undefined,
    zip,
    what: `the folder ${basename(folder)} (${count})`,
  }
}

/** When all source files at the top are of one language. */
function onlyLanguage(folder: string): string | undefined {
  const languages = new Set(readdirSync(folder).flatMap((name) => runtimeOf[extname(name)] ?? []))
  return languages.size === 1 ? [...languages][0] : undefined
}

/** Letters, digits, `-` and `_` are what a name may have. */
const functionName = (text: string): string =>
  text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'function'
