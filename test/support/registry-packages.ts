import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages of PyPI and npm that only tests use: installed once, kept beside the other packages. */

const cache = fileURLToPath(new URL('../../node_modules/.cache/registry', import.meta.url))

/** `problem`: null, or a sentence that says why they are not in the folder. */
export interface Installed {
  folder: string
  problem: string | null
}

/**
 * A folder for `PYTHONPATH`; `wanted` as pip takes it: `flask==3.1.2`. `forWorkers`: compiled, for workers write no bytecode, and
 * each would compile what it imports; other programs compile only what they use.
 */
export function pythonPackages(wanted: string[], { forWorkers = false } = {}): Installed {
  const folder = folderFor(`python${pythonVersion()}`, wanted)
  return installed(folder, wanted, (beside) => [
    'python3',
    ...['-m', 'pip', 'install', '-q', forWorkers ? '--compile' : '--no-compile', '--only-binary', ':all:'],
    ...['--target', beside, ...wanted],
  ])
}

/** A folder with `node_modules`; `wanted` as npm takes it: `express@5.1.0`. */
export function nodePackages(wanted: string[]): Installed {
  return installed(folderFor('node', wanted), wanted, (beside) => {
    writeFileSync(join(beside, 'package.json'), '{"private": true}')
    return [
      'npm',
      ...['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', beside, ...wanted],
    ]
  })
}

const folderFor = (kind: string, wanted: string[]): string =>
  join(cache, `${kind}-${wanted.join('+').replaceAll(/[^\w.=@+-]/g, '_')}`)

function installed(folder: string, wanted: string[], commandFor: (folder: string) => string[]): Installed {
  if (existsSync(folder)) return { folder, problem: null }
  const beside = `${folder}.${process.pid}`
  mkdirSync(beside, { recursive: true })
  const [program = '', ...args] = commandFor(beside)
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) {
    renameSync(beside, folder)
    return { folder, problem: null }
  }
  rmSync(beside, { recursive: true, force: true })
  const last = error?.message ?? stderr.trim().split('\n').at(-1)
  return { folder, problem: `${program} could not install ${wanted.join(', ')}: ${last}` }
}

/** Compiled packages fit one version only. */
export function pythonVersion(): string {
  const program = 'import sys; print("%d.%d" % sys.version_info[:2])'
  return spawnSync('python3', ['-c', program], { encoding: 'utf8' }).stdout?.trim()
}
