import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ZipOptions, type Zippable, zipSync } from 'fflate'
import { usageError } from '../command.ts'

/** Packs a folder; equal files always give equal bytes, so that unchanged packages are recognised. */

/** ZIPs contain local time: these components are the same everywhere. */
const fixedTime = new Date(1980, 0, 1)
const unix = 3
const regularFile = 0o100000
/** Names that are always left out. */
const alwaysIgnored = [
  '.git/',
  '.hg/',
  '.svn/',
  '__pycache__/',
  '__MACOSX/',
  '.DS_Store',
  'Thumbs.db',
  '.venv/',
  'venv/',
  '.env',
  // Temporary files of editors.
  '*.swp',
  '*~',
  '.#*',
  '\\#*#',
  '.taibai/',
  '.taibaiignore',
  'taibai.yaml',
]

export interface PackedFolder {
  zip: Buffer
  files: string[]
}

/** `added`: files that replace the folder's or come with them. Throws CliError when the folder is empty. */
export function packFolder(folder: string, without: string[] = [], added: Record<string, Buffer> = {}): PackedFolder {
  const ignores = ignoredIn(folder, without)
  const files = walk(folder, '', ignores).sort()
  if (files.length === 0) throw usageError(`The folder ${folder} has no files to deploy.`)
  const entries: Zippable = {}
  for (const path of files) {
    const full = join(folder, path)
    const mode = regularFile | (statSync(full).mode & 0o111 ? 0o755 : 0o644)
    entries[path] = [readFileSync(full), { level: 6, mtime: fixedTime, os: unix, attrs: mode << 16 }]
  }
  for (const [path, content] of Object.entries(added)) entries[path] = plainFile(content)
  return { zip: Buffer.from(zipSync(entries)), files }
}

/** Whether a path in the folder is left out of the package. */
export const ignoredIn = (folder: string, without: string[] = []): ((path: string, isFolder: boolean) => boolean) =>
  ignoring([...alwaysIgnored, ...without, ...ignoreFile(folder)])

/** A package with one file. */
export const packFile = (name: string, content: Buffer): Buffer => packFiles({ [name]: content })

/** A package with these files. */
export const packFiles = (files: Record<string, Buffer>): Buffer =>
  Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, plainFile(content)]))))

const plainFile = (content: Buffer): [Buffer, ZipOptions] => [
  content,
  { level: 6, mtime: fixedTime, os: unix, attrs: (regularFile | 0o644) << 16 },
]

function walk(root: string, at: string, ignores: (path: string, isFolder: boolean) => boolean): string[] {
  return readdirSync(join(root, at), { withFileTypes: true }).flatMap((entry) => {
    const path = at === '' ? entry.name : `${at}/${entry.name}`
    const stats = statSync(join(root, path), { throwIfNoEntry: false })
    if (stats === undefined || ignores(path, stats.isDirectory())) return []
    return stats.isDirectory() ? walk(root, path, ignores) : stats.isFile() ? [path] : []
  })
}

function ignoreFile(folder: string): string[] {
  try {
    return readFileSync(join(folder, '.taibaiignore'), 'utf8').split(/\r?\n/)
  } catch {
    return []
  }
}

interface Rule {
  pattern: RegExp
  foldersOnly: boolean
  keeps: boolean
}

/** The rules of a .gitignore: the last match decides, `!` includes, a slash in the middle anchors the rule to the folder. */
export function ignoring(lines: string[]): (path: string, isFolder: boolean) => boolean {
  const rules = lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(ruleOf)
  return (path, isFolder) => {
    const last = rules.findLast(({ pattern, foldersOnly }) => (isFolder || !foldersOnly) && pattern.test(path))
    return last !== undefined && !last.keeps
  }
}

function ruleOf(line: string): Rule {
  const keeps = line.startsWith('!')
  const text = (keeps ? line.slice(1) : line).replace(/^\\(?=[#!])/, '')
  const foldersOnly = text.endsWith('/')
  const body = text.replace(/\/$/, '')
  const isTied = body.includes('/')
  const parts = body
    .replace(/^\//, '')
    .split('**')
    .map((part) =>
      part
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]'),
    )
  const pattern = parts.join('.*').replaceAll('.*/', '(?:.*/)?')
  return { pattern: new RegExp(`^${isTied ? '' : '(?:.*/)?'}${pattern}$`), foldersOnly, keeps }
}
