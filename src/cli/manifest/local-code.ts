import { readFileSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { unzipSync } from 'fflate'
import type { Deploying } from '../../client/deployment.ts'
import type { FunctionFields } from '../../client/resources/functions.ts'
import { usageError } from '../command.ts'
import { entryOf, recogniseHandler } from './known-handlers.ts'
import { frameworkTarget, recognisePackage } from './known-packages.ts'
import { languageFiles } from './language-files.ts'
import type { KnownPackage, PackageFiles } from './package-files.ts'
import { packFile, packFiles, packFolder } from './package-zip.ts'
import { suppliedPackages } from './supplied-packages.ts'

/** A path on this machine as the code of a function. */

export interface LocalCode {
  /** Default name of the function. */
  name: string
  /** Guessed from the files; undefined: unknown. */
  runtime: string | undefined
  /** `module.callable` when the only source file is not called main. */
  entry: string | undefined
  /** Set when the code was written for another platform. */
  signature: string | undefined
  /** True when only the look of a handler says so. */
  isGuessed?: boolean
  /** Seconds, where the code's own settings name a limit. */
  timeout?: number
  /** Folders below that contain code, when the folder itself has none. */
  codeIn?: string[]
  zip: Buffer
  /** The detected kind of code, for messages. */
  what: string
}

type GivenFields = Pick<FunctionFields, 'entry' | 'signature'>

/**
 * Leaves out modules that the server will install. `given`: what the user says, which is not guessed. Throws CliError when nothing
 * could be code.
 */
export function readLocalCode(path: string, how: Deploying = {}, given: GivenFields = {}): LocalCode {
  const full = resolve(path)
  const stats = statSync(full, { throwIfNoEntry: false })
  if (stats === undefined) throw usageError(`There is no file or folder ${path}.`)
  if (stats.isDirectory()) return ofFolder(full, how, given)
  const ending = extname(full)
  const name = functionName(basename(full, ending))
  if (ending === '.zip') {
    const zip = readFileSync(full)
    const files = filesOfZip(zip)
    const code = { ...none, name, runtime: languageOf(files.names), zip, what: `the ZIP ${basename(full)}` }
    return known(files, code, given)
  }
  const runtime = languageFiles().runtimeOf[ending]
  if (runtime === undefined) {
    throw usageError(`No runtime has the file extension of ${path}: deploy a folder or a ZIP, and pass --runtime.`)
  }
  const module = basename(full, ending)
  const content = readFileSync(full)
  const files = {
    names: [basename(full)],
    text: (path: string) => (path === basename(full) ? String(content) : undefined),
  }
  const code = { ...none, name, runtime, zip: packFile(basename(full), content), what: `the file ${basename(full)}` }
  const entry = module === 'main' || ownEntry.test(ending) ? undefined : `${module}.main`
  const repack = (added: Record<string, Buffer>) => packFiles({ [basename(full)]: content, ...added })
  return withSupplied(files, known(files, { ...code, entry }, given), how, given, repack)
}

/** Adds the packages that the platform of the code supplies, for the build to install. */
function withSupplied(
  files: PackageFiles,
  code: LocalCode,
  { build }: Deploying,
  given: GivenFields,
  repack: (added: Record<string, Buffer>) => Buffer,
): LocalCode {
  const supplied = build === 'never' ? null : suppliedPackages(files, given.signature ?? code.signature)
  if (supplied === null) return code
  const { names, file, text } = supplied
  const what = `${code.what}; ${names.join(', ')} added to its ${file}, because AWS Lambda supplies it`
  return { ...code, zip: repack({ [file]: Buffer.from(text) }), what }
}

/** Their entry is in the text. */
const ownEntry = /^\.([cm]?[jt]s|py)$/

/** Folders of installed modules. */
const modules = ['node_modules/', '/.python_packages/', '/virtualenv/', '/*.dist-info/']

const none = { runtime: undefined, entry: undefined, signature: undefined }

/** Uses the signature of the platform for which the code was written, if it is recognised. */
function known(files: PackageFiles, code: LocalCode, given: GivenFields): LocalCode {
  const certain = recognisePackage(files)
  const guessed = certain ?? (given.entry == null ? recogniseHandler(files) : null)
  const found = guessed !== null && isOf(guessed, given.signature) ? guessed : null
  if (found === null) {
    const own = isGoogle(given.signature) ? frameworkTarget(files) : entryOf(files, given.signature)
    return { ...code, entry: code.entry ?? own }
  }
  const { kind, signature, entry, runtime = code.runtime, timeout } = found
  return {
    ...code,
    runtime,
    entry,
    signature,
    isGuessed: certain === null && given.signature == null,
    ...(timeout !== undefined && { timeout }),
    what: `${code.what}, recognised as ${kind}`,
  }
}

/** Both names are the same. */
const isGoogle = (signature: string | null | undefined): boolean =>
  signature === 'gcf' || signature === 'functions-framework'

const isOf = ({ signature }: KnownPackage, given: string | null | undefined): boolean =>
  given == null || given === signature || (isGoogle(given) && isGoogle(signature))

function filesOfZip(zip: Buffer): PackageFiles {
  try {
    const names: string[] = []
    const inside = unzipSync(zip, {
      filter: ({ name, originalSize }) => {
        if (!name.endsWith('/')) names.push(name)
        return isText.test(name) && originalSize < longestText
      },
    })
    const text = (path: string) => (inside[path] === undefined ? undefined : Buffer.from(inside[path]).toString())
    return { names, text }
  } catch {
    // The server reports what is wrong with the ZIP.
    return { names: [], text: () => undefined }
  }
}

/** Files that are searched for signs of a platform. */
const isText = /(\.(json|ya?ml|txt|py|go|mod|[cm]?[jt]s)|(^|\/)Procfile)$/
const longestText = 1024 * 1024

function ofFolder(folder: string, how: Deploying, given: GivenFields): LocalCode {
  const without = how.withoutModules === true ? modules : []
  const { zip, files } = packFolder(folder, without)
  const runtime = languageOf(files)
  const count = files.length === 1 ? '1 file' : `${files.length} files`
  const text = (path: string) => (files.includes(path) ? readFileSync(join(folder, path), 'utf8') : undefined)
  const name = functionName(basename(folder))
  const codeIn = runtime === undefined ? foldersWithCode(files) : []
  const code = { ...none, name, runtime, zip, codeIn, what: `the folder ${basename(folder)} (${count})` }
  const inside = { names: files, text }
  const repack = (added: Record<string, Buffer>) => packFolder(folder, without, added).zip
  return withSupplied(inside, known(inside, code, given), how, given, repack)
}

/** The language by its usual files, else that of all source files in the root. A script of the shell is one that builds the others. */
function languageOf(files: string[]): string | undefined {
  const { marks, runtimeOf } = languageFiles()
  const marked = marks.find(([file]) => files.includes(file))?.[1]
  if (marked !== undefined) return marked
  const languages = new Set(
    files.flatMap((name) => (name.includes('/') || name.endsWith('.sh') ? [] : (runtimeOf[extname(name)] ?? []))),
  )
  return languages.size === 1 ? [...languages][0] : undefined
}

/** Folders of the next level with a file that marks a language or an app. */
function foldersWithCode(files: string[]): string[] {
  const marks = new Set(['host.json', ...languageFiles().marks.map(([file]) => file)])
  const found = files
    .map((name) => name.split('/'))
    .filter(({ length, 1: file = '' }) => length === 2 && marks.has(file))
  return [...new Set(found.map(([folder = '']) => folder))]
}

/** Replaces characters other than letters, digits, `-` and `_`. */
const functionName = (text: string): string =>
  text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'function'
