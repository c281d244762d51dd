// Builds dist/taibai, the whole program as one file, and prints its size. `--figures` also measures its start against that of the
// sources; `--if-old` builds only when the inputs have changed, and prints nothing.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { build } from 'esbuild'
import { isInPlatformAsset, plainAssets, platformAsset, projectFolder, version } from '../src/assets.ts'
import { runOrThrow } from '../src/host/command.ts'
import { findProgram } from '../src/host/host-facts.ts'
import { withLock } from '../src/host/lock.ts'
import { SetupProblem } from '../src/host/problem.ts'
import { type Bundle, bundle, sqliteAddon, writeJson } from './build/bundle.ts'
import { makeCodeCaches } from './build/code-caches.ts'
import { showFigures } from './build/figures.ts'
import { buildConsole, consoleIsOld } from './build-console.ts'
import { progress, runScript } from './setup/terminal.ts'

const dist = join(projectFolder, 'dist')
const work = join(dist, 'build')
const target = join(dist, 'taibai')
/** The marker in a Node.js binary that tells whether it contains a program. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** File with the hash of the executable's inputs. */
const madeOf = join(dist, 'taibai.made-of')

async function main(): Promise<undefined> {
  const isOptional = process.argv.includes('--if-old')
  const checkout = createHash('sha256').update(projectFolder).digest('hex').slice(0, 12)
  const waits = (pid: number) => progress.detail(`process ${pid} makes it already`)
  const isNew = await withLock(`binary-${checkout}`, waits, () => make(isOptional))
  if (!isNew || isOptional) return
  const compressed = gzipSync(readFileSync(target), { level: 6 }).length
  progress.done(`dist/taibai, ${mebibytes(statSync(target).size)} (compressed ${mebibytes(compressed)})`)
  await showFigures(target, progress, process.argv.includes('--figures'))
}

/** False when the executable is up to date. */
async function make(isOptional: boolean): Promise<boolean> {
  if (consoleIsOld()) await buildConsole()
  const parts = await bundle('executable', work)
  const isNew = !isOptional || !isMadeOf(parts)
  if (isNew) await assemble(parts)
  rmSync(work, { recursive: true })
  return isNew
}

async function assemble(parts: Bundle): Promise<void> {
  progress.step(`The executable, ${version} for linux-${process.arch}, on Node.js ${process.versions.node}`)
  rmSync(madeOf, { force: true })
  await inject(await makeBlob(parts))
  const checksum = createHash('sha256').update(readFileSync(target)).digest('hex')
  writeFileSync(`${target}.sha256`, `${checksum}  taibai\n`)
  writeFileSync(madeOf, keyOf(parts))
}

const isMadeOf = (parts: Bundle): boolean =>
  existsSync(target) && existsSync(madeOf) && readFileSync(madeOf, 'utf8') === keyOf(parts)

/** Hash of the program, of Node.js, and of the build steps. */
const keyOf = ({ hash }: Bundle): string =>
  createHash('sha256')
    .update(hash)
    .update(process.version)
    .update(readFileSync(import.meta.filename))
    .digest('hex')

/** The embedded blob, created by the same Node.js that will contain it, with its code cache. */
async function makeBlob(parts: Bundle): Promise<string> {
  const programs = { main: wrapped(parts.main), commands: wrapped(parts.commands) }
  const assets = carried({ ...parts, ...programs })
  const caches = await makeCodeCaches(programs, assets, work)
  const output = join(work, 'taibai.blob')
  const how = { disableExperimentalSEAWarning: true, execArgv: ['--no-warnings'], execArgvExtension: 'none' }
  const all = { ...assets, ...compressed(caches) }
  writeJson(join(work, 'sea.json'), { main: basename(await makeLauncher()), output, assets: all, ...how })
  // Run in this folder, so that errors name the program and not the folder.
  await runOrThrow('Making what is carried', process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: work })
  return output
}

/** Wraps the program as a CommonJS function, because the launcher compiles a script. */
function wrapped(program: string): string {
  const path = program.replace('.cjs', '.wrapped.cjs')
  const source = readFileSync(program, 'latin1')
  if (/[^\0-\x7f]/.test(source)) throw new SetupProblem('The program is not all ASCII: it would be loaded wrongly.')
  writeFileSync(path, `(function (require, module) { const { exports } = module;\n${source}\n})`)
  return path
}

async function makeLauncher(): Promise<string> {
  const outfile = join(work, 'launcher.cjs')
  const entryPoints = [join(import.meta.dirname, 'build/executable.cjs')]
  const define = { ownVersion: JSON.stringify(version) }
  await build({ entryPoints, outfile, define, platform: 'node', target: 'node24', logLevel: 'error' })
  return outfile
}

/** Files of this machine by the names under which the program requests them. */
function carried({ hash, main, commands, ledgerThread, files }: Bundle): Record<string, string> {
  const runtimes = Object.keys(files).filter((name) => name.startsWith('runtimes/'))
  const addon = sqliteAddon()
  const unpacked = { 'better_sqlite3.node': addon, ...Object.fromEntries(runtimes.map((name) => [name, files[name]])) }
  const sizes = Object.entries(unpacked).map(([name, path]) => [name, statSync(path as string).size])
  const docs = Object.keys(files).filter((name) => name.startsWith('docs/'))
  const manifest = join(work, 'manifest.json')
  writeJson(manifest, { build: hash, files: Object.fromEntries(sizes), docs })
  const programs = { 'main.cjs': main, 'commands.cjs': commands, 'ledger-thread.cjs': ledgerThread }
  const platform = join(work, platformAsset)
  const inPlatform = Object.keys(unpacked).filter(isInPlatformAsset)
  writeFileSync(platform, Buffer.concat(inPlatform.map((name) => readFileSync(files[name] as string))))
  const others = Object.fromEntries(Object.entries(files).filter(([name]) => !isInPlatformAsset(name)))
  const made = { ...programs, 'manifest.json': manifest, [platformAsset]: platform, 'better_sqlite3.node': addon }
  return compressed({ ...others, ...made })
}

function compressed(files: Record<string, string>): Record<string, string> {
  const folder = join(work, 'compressed')
  mkdirSync(folder, { recursive: true })
  const params = { [constants.ZSTD_c_compressionLevel]: 22 }
  const pack = ([name, path]: [string, string]) => {
    if (plainAssets.includes(name)) return [name, path]
    const packed = join(folder, `${name.replaceAll('/', '+')}.zst`)
    writeFileSync(packed, zstdCompressSync(readFileSync(path), { params }))
    return [`${name}.zst`, packed]
  }
  return Object.fromEntries(Object.entries(files).map(pack))
}

async function inject(blob: string): Promise<void> {
  mkdirSync(dist, { recursive: true })
  const unfinished = join(work, 'taibai')
  copyFileSync(process.execPath, unfinished)
  chmodSync(unfinished, 0o755)
  // Removing the symbols saves a seventh of the size. It must happen before the injection, which strip would undo.
  if (findProgram('strip') === undefined) progress.warn('strip (binutils) is not installed: the file is larger')
  else await runOrThrow('Stripping', 'strip', ['--strip-unneeded', unfinished])
  const postject = join(dirname(createRequire(import.meta.url).resolve('postject/package.json')), 'dist', 'cli.js')
  await runOrThrow('Injecting', process.execPath, [
    postject,
    unfinished,
    'NODE_SEA_BLOB',
    blob,
    '--sentinel-fuse',
    fuse,
  ])
  renameSync(unfinished, target)
}

const mebibytes = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`

await runScript(main)
