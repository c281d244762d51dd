import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { isExecutable } from '../assets.ts'
import type { ContextFile } from './build-context.ts'
import { SetupProblem } from './problem.ts'

/**
 * The programs of a language for a base that is made on this machine: those of the npm package that `runtime.json` names.
 * The executable needs no package: it is a Node.js itself.
 */
export interface LanguagePrograms {
  /** Changes with the programs. */
  identity: string
  files(): ContextFile[]
}

export function languagePrograms(family: string): LanguagePrograms {
  return isExecutable && family === 'node-linux' ? ownNode() : packagePrograms(family)
}

/** As the package of the same version has it. */
function ownNode(): LanguagePrograms {
  return {
    identity: `node-linux-${process.arch}@${process.versions.node}`,
    files: () => [{ name: 'bin/node', content: plainNode(readFileSync(process.execPath)), isProgram: true }],
  }
}

/** The mark in a Node.js that says whether it carries a program: `:1` or `:0` behind it. In two parts, so that this text is not it. */
const mark = ['NODE_SEA_FUSE_', 'fce680ab2cc467b6e072b8b5df1996b2'].join('')

/** The executable as the Node.js that it was made of: what it carries stays where it is, and is not looked at. */
export function plainNode(executable: Buffer): Buffer {
  const at = executable.indexOf(`${mark}:1`)
  if (at < 0) throw new SetupProblem('This executable does not contain a Node.js.')
  const plain = Buffer.from(executable)
  plain.write('0', at + mark.length + 1)
  return plain
}

/** One package per processor, such as the Node.js binary itself. */
function packagePrograms(family: string): LanguagePrograms {
  const name = `${family}-${process.arch}`
  const manifestPath = findManifest(name)
  if (manifestPath === undefined)
    throw new SetupProblem(`The npm package ${name} is not installed; is there a version for this processor?`)
  const { bin, version } = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
    bin: Record<string, string>
    version: string
  }
  return {
    identity: `${name}@${version}`,
    files: () =>
      Object.entries(bin).map(([program, path]) => ({
        name: `bin/${program}`,
        content: { file: join(dirname(manifestPath), path) },
        isProgram: true,
      })),
  }
}

function findManifest(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
}
