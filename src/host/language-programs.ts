import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isExecutable } from '../assets.ts'
import type { ContextFile } from './build-context.ts'
import { runOrThrow } from './command.ts'
import { findProgram } from './host-facts.ts'
import { SetupProblem } from './problem.ts'

/**
 * The programs of a language for a base built on this machine, from the npm package in `runtime.json`. The executable needs no
 * package for Node.js: it contains it.
 */
export interface LanguagePrograms {
  /** Changes with the programs. */
  identity: string
  files(): ContextFile[] | Promise<ContextFile[]>
}

export function languagePrograms(npm: string): LanguagePrograms {
  const [family = '', version] = npm.split('@')
  if (version !== undefined) return fetchedPrograms(`${family}-${process.arch}`, version)
  return isExecutable && family === 'node-linux' ? ownNode() : packagePrograms(family)
}

/** The same as in the npm package of this version. */
function ownNode(): LanguagePrograms {
  return {
    identity: `node-linux-${process.arch}@${process.versions.node}`,
    files: () => [{ name: 'bin/node', content: plainNode(readFileSync(process.execPath)), isProgram: true }],
  }
}

/**
 * The marker in a Node.js binary that tells whether it contains a program: `:1` or `:0` follows. It is split, so that this source
 * does not contain it.
 */
const mark = ['NODE_SEA_FUSE_', 'fce680ab2cc467b6e072b8b5df1996b2'].join('')

/** Turns the executable back into plain Node.js: the embedded program stays but is ignored. */
export function plainNode(executable: Buffer): Buffer {
  const at = executable.indexOf(`${mark}:1`)
  if (at < 0) throw new SetupProblem('This executable contains no Node.js.')
  const plain = Buffer.from(executable)
  plain.write('0', at + mark.length + 1)
  return plain
}

/** One package per processor architecture, for example the Node.js binary. */
function packagePrograms(family: string): LanguagePrograms {
  const name = `${family}-${process.arch}`
  const manifestPath = findManifest(name)
  if (manifestPath === undefined)
    throw new SetupProblem(`The npm package ${name} is not installed; is there a version for this processor?`)
  const { bin, version } = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
    bin: Bin
    version: string
  }
  const folder = dirname(manifestPath)
  return {
    identity: `${name}@${version}`,
    files: () =>
      Object.entries(bin).map(([program, path]) => ({
        name: `bin/${program}`,
        content: { file: join(folder, path) },
        isProgram: true,
      })),
  }
}

/** A version that is not installed beside us: npm downloads and verifies it into a temporary folder. */
function fetchedPrograms(name: string, version: string): LanguagePrograms {
  return { identity: `${name}@${version}`, files: () => fetched(name, version) }
}

async function fetched(name: string, version: string): Promise<ContextFile[]> {
  if (findProgram('npm') === undefined) {
    throw new SetupProblem(
      `No image registry answers, and there is no npm on this machine to fetch ${name} ${version} with. Install npm, or bring the images in an archive: --images FILE.`,
    )
  }
  const work = mkdtempSync(join(tmpdir(), 'taibai-npm-'))
  try {
    await runOrThrow(`Fetching ${name} ${version}`, 'npm', ['pack', '--silent', `${name}@${version}`], { cwd: work })
    const [archive = ''] = readdirSync(work)
    await runOrThrow(`Unpacking ${name} ${version}`, 'tar', ['-xzf', archive], { cwd: work })
    const { bin } = JSON.parse(readFileSync(join(work, 'package', 'package.json'), 'utf8')) as { bin: Bin }
    return Object.entries(bin).map(([program, path]) => ({
      name: `bin/${program}`,
      content: readFileSync(join(work, 'package', path)),
      isProgram: true,
    }))
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** Paths of programs by name. */
type Bin = Record<string, string>

function findManifest(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
}
