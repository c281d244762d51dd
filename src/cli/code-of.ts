import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { unzipSync } from 'fflate'
import type { Deploying } from '../client/deployment.ts'
import { usageError } from './command.ts'
import { type PackageFiles, recognised } from './known-packages.ts'
import { languageFiles } from './language-files.ts'
import { packFile, packFolder } from './package-zip.ts'

/** What a path on this machine is as the code of a function. */

export interface LocalCode {
  /** Name of the function, unless another is given. */
  name: string
  /** Guessed from the files; undefined: nothing tells. */
  runtime: string | undefined
  /** `module.callable` where the only source file is not called main. */
  entry: string | undefined
  /** Where it was written for another system. */
  signature: string | undefined
  zip: Buffer
  /** What it was taken for, for people. */
  what: string
}

/** Modules that the server is to install again are left out. Throws CliError when there is nothing that could be code. */
export function codeOf(path: string, { withoutModules }: Deploying = {}): LocalCode {
  const full = resolve(path)
  const stats = statSync(full, { throwIfNoEntry: false })
  if (stats === undefined) throw usageError(`There is no file or folder ${path}.`)
  if (stats.isDirectory()) return ofFolder(full, withoutModules === true ? modules : [])
  const ending = extname(full)
  const name = functionName(basename(full, ending))
  if (ending === '.zip') {
    const zip = readFileSync(full)
    return known(filesOfZip(zip), { name, ...none, zip, what: `the ZIP ${basename(full)}` })
  }
  const runtime = languageFiles().runtimeOf[ending]
  if (runtime === undefined) {
    throw usageError(
      `${path} does not have the extension of a language that a runtime knows: deploy a folder or a ZIP, and pass --runtime.`,
    )
  }
  const module = basename(full, ending)
  const content = readFileSync(full)
  const files = {
    names: [basename(full)],
    text: (path: string) => (path === basename(full) ? String(content) : undefined),
  }
  return known(files, {
    ...none,
    name,
    runtime,
    entry: module === 'main' ? undefined : `${module}.main`,
    zip: packFile(basename(full), content),
    what: `the file ${basename(full)}`,
  })
}

/** Where what is installed lies in a folder. */
const modules = ['node_modules/', '/.python_packages/', '/virtualenv/', '/*.dist-info/']

const none = { runtime: undefined, entry: undefined, signature: undefined }

/** As it is called by the system that it was written for, if one is seen. */
function known(files: PackageFiles, code: LocalCode): LocalCode {
  const found = recognised(files)
  if (found === null) return code
  const { kind, signature, entry, runtime = code.runtime } = found
  return { ...code, runtime, entry, signature, what: `${code.what}, taken for ${kind}` }
}

function filesOfZip(zip: Buffer): PackageFiles {
  try {
    const inside = unzipSync(zip, {
      filter: ({ name, originalSize }) => isText.test(name) && originalSize < longestText,
    })
    const text = (path: string) => (inside[path] === undefined ? undefined : Buffer.from(inside[path]).toString())
    return { names: Object.keys(inside), text }
  } catch {
    // The server says what is wrong with it.
    return { names: [], text: () => undefined }
  }
}

/** What is looked into: more tells nothing. */
const isText = /(\.(json|ya?ml|txt|py|[cm]?[jt]s)|(^|\/)Procfile)$/
const longestText = 1024 * 1024

function ofFolder(folder: string, without: string[]): LocalCode {
  const { zip, files } = packFolder(folder, without)
  const runtime = languageFiles().marks.find(([file]) => existsSync(join(folder, file)))?.[1] ?? onlyLanguage(folder)
  const count = files.length === 1 ? '1 file' : `${files.length} files`
  const text = (path: string) => (files.includes(path) ? readFileSync(join(folder, path), 'utf8') : undefined)
  const name = functionName(basename(folder))
  return known(
    { names: files, text },
    { ...none, name, runtime, zip, what: `the folder ${basename(folder)} (${count})` },
  )
}

/** When all source files at the top are of one language. */
function onlyLanguage(folder: string): string | undefined {
  const { runtimeOf } = languageFiles()
  const languages = new Set(readdirSync(folder).flatMap((name) => runtimeOf[extname(name)] ?? []))
  return languages.size === 1 ? [...languages][0] : undefined
}

/** Letters, digits, `-` and `_` are what a name may have. */
const functionName = (text: string): string =>
  text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'function'
