// Builds runtimes/*/platform: the packages that platforms supply to functions (Express, Flask …), in the versions of package.json
// and requirements.txt.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { unzipSync, zipSync } from 'fflate'

/**
 * For Node.js: a bundle for each set of packages with common dependencies, and for each package name a file that re-exports it.
 * For Python: one archive of the packages' own files.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const nodePlatform = join(root, 'runtimes/nodejs/platform')
const pythonPlatform = join(root, 'runtimes/python3/platform')

/** For each set: the names that can be imported, and their sources. */
const sets: Record<string, Record<string, string>> = {
  express5: {
    express: 'express',
    cloudevents: 'cloudevents',
    '@google-cloud/functions-framework': '@google-cloud/functions-framework',
    '@google-cloud/functions-framework/testing.js': '@google-cloud/functions-framework/testing',
    '@google-cloud/functions-framework/function_registry.js':
      './node_modules/@google-cloud/functions-framework/build/src/function_registry.js',
  },
  express4: { express: 'express-4' },
  azure: { '@azure/functions': 'azure-functions-3' },
  openwhisk: { openwhisk: 'openwhisk', needle: 'needle' },
}

/** The expected files, by path in `runtimes/nodejs/platform`. */
export async function nodePlatformFiles(): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const [set, names] of Object.entries(sets)) Object.assign(files, await filesOfSet(set, names))
  return files
}

async function filesOfSet(set: string, names: Record<string, string>): Promise<Record<string, string>> {
  const members = Object.entries(names).map(
    ([name, from]) => `${JSON.stringify(name)}: () => require(${JSON.stringify(from)})`,
  )
  const { outputFiles, metafile } = await build({
    stdin: { contents: `module.exports = { ${members.join(', ')} }`, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
    write: false,
    metafile: true,
    legalComments: 'none',
    logLevel: 'error',
    external: ['@azure/functions-core'],
  })
  const used = packagesIn(metafile)
  const files: Record<string, string> = {
    [`${set}/packages.cjs`]: `/*! ${used.map(({ id }) => id).join(', ')}: see LICENSES.txt; made by scripts/vendor-platform.ts */\n${outputFiles[0]?.text}`,
    [`${set}/LICENSES.txt`]: used.map(({ id, license }) => `${id}\n\n${license}\n`).join('\n---\n\n'),
  }
  for (const [name, from] of Object.entries(names)) Object.assign(files, stub(set, name, from))
  return files
}

/** Names each export, so that ES modules can import them by name. */
function stub(set: string, name: string, from: string): Record<string, string> {
  const isFile = name.endsWith('.js')
  const path = isFile ? name : `${name}/index.js`
  const up = '../'.repeat(dirname(path).split('/').length)
  const lines = [
    `const packages = require('${up}packages.cjs')`,
    `module.exports = packages['${name}']()`,
    // Dead code that Node.js parses for the names of exports, since it cannot analyse the line above.
    `0 && (module.exports = { ${exportsOf(from).join(', ')} })`,
  ]
  const file = { [`${set}/${path}`]: `${lines.join('\n')}\n` }
  const manifest = { name, version: isFile ? '' : versionOf(from), main: 'index.js' }
  return isFile ? file : { ...file, [`${set}/${name}/package.json`]: `${JSON.stringify(manifest, null, 2)}\n` }
}

/** A package that requires its platform cannot be loaded here, and nobody imports it by name. */
function exportsOf(from: string): string[] {
  if (from === 'azure-functions-3') return ['setup']
  const exported = createRequire(join(root, 'package.json'))(from)
  return Object.keys(exported).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && !reservedWords.has(key))
}

/** Exports that have such a name are found in the default export only. */
const reservedWords = new Set(['default', 'delete', 'import', 'in', 'new', 'with'])

const versionOf = (name: string): string =>
  JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version

/** The packages whose files are in the bundle. */
function packagesIn({ inputs }: Metafile): { id: string; license: string }[] {
  const folders = new Set<string>()
  for (const path of Object.keys(inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
    if (found !== undefined) folders.add(found)
  }
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e/i.test(one))
    const text = file === undefined ? `License: ${license}` : readFileSync(join(root, folder, file), 'utf8').trim()
    return { id: `${name} ${version}`, license: text }
  })
}

// ------------------------------------------------------------------------------------------------------ Python

/** Files of the wheels in `requirements.txt` without compiled ones, which are optional for these packages. */
function pythonArchive(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-wheels-'))
  try {
    const wanted = [
      '--no-deps',
      '--only-binary',
      ':all:',
      '--python-version',
      '3.13',
      '--platform',
      'manylinux2014_x86_64',
      '--platform',
      'any',
    ]
    const args = [
      '-m',
      'pip',
      'download',
      '-q',
      ...wanted,
      '-d',
      folder,
      '-r',
      join(pythonPlatform, 'requirements.txt'),
    ]
    const { status } = spawnSync('python3', args, { stdio: 'inherit' })
    if (status !== 0) throw new Error('pip could not fetch the packages.')
    const files: Record<string, Uint8Array> = {}
    for (const wheel of readdirSync(folder).sort()) {
      const inside = unzipSync(readFileSync(join(folder, wheel)))
      for (const name of Object.keys(inside).sort()) if (isWanted(name)) files[name] = inside[name] as Uint8Array
    }
    for (const folder of bareFolders(Object.keys(files))) files[folder] = new Uint8Array()
    // Stored: the executable, the npm package and git each compress it as a whole, which makes it smaller than file by file.
    return zipSync(files, { mtime: new Date(1980, 1, 1), level: 0 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Folders of modules without `__init__.py`: in an archive Python 3.11 finds such a package by its folder's entry alone. */
function bareFolders(names: string[]): string[] {
  const folders = names.filter((name) => name.endsWith('.py')).flatMap(foldersOf)
  return [...new Set(folders)].filter((folder) => !names.includes(`${folder}__init__.py`)).sort()
}

/** `a/b/c.py` is in `a/` and `a/b/`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`)
}

const isWanted = (name: string): boolean =>
  !/\/$|\.(so|pyi|c|pyd|pth)$|\/(RECORD|WHEEL|top_level\.txt|entry_points\.txt|namespace_packages\.txt|zip-safe)$|\.data\/|\/tests?\/|^tests?\//.test(
    name,
  )

if (import.meta.main) {
  for (const [path, text] of Object.entries(await nodePlatformFiles())) {
    mkdirSync(dirname(join(nodePlatform, path)), { recursive: true })
    writeFileSync(join(nodePlatform, path), text)
  }
  writeFileSync(join(pythonPlatform, 'packages.zip'), pythonArchive())
}
