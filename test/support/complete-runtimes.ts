import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Signature } from '../../src/domain/functions/signature.ts'
import { findProgram } from '../../src/host/host-facts.ts'
import { projectFolder } from './server-process.ts'

export interface CompleteRuntime {
  name: string
  folder: string
  /** What its functions can be, and so what the list asks. */
  signatures: Signature[]
  /** Its interpreter is on this machine: `npm test` installs it where it may. A compiler takes minutes: TAIBAI_TEST_BUILDS=1 asks it. */
  isHere: boolean
  /** What is compiled has no syntax errors when it is loaded, and prints past the shim. */
  isCompiled: boolean
}

/** The runtimes that the conformance list can be asked of: they have their manifest, their shim and their functions. */
export function completeRuntimes(): CompleteRuntime[] {
  const runtimes = join(projectFolder, 'runtimes')
  return readdirSync(runtimes)
    .map((name) => join(runtimes, name))
    .flatMap((folder) => completeRuntime(folder) ?? [])
}

export const completeRuntimeOf = (runtime: string): CompleteRuntime => {
  const found = completeRuntimes().find(({ name }) => name === runtime)
  if (found === undefined) throw new Error(`The runtime ${runtime} has no conformance functions.`)
  return found
}

function completeRuntime(folder: string): CompleteRuntime | undefined {
  const manifest = join(folder, 'runtime.json')
  if (!existsSync(manifest) || !existsSync(join(folder, 'conformance'))) return undefined
  const { name, shim, signatures, command, optional, compiler } = JSON.parse(readFileSync(manifest, 'utf8'))
  if (!existsSync(join(folder, shim))) return undefined
  const isThere = optional !== true || findProgram(compiler ?? command[0]) !== undefined
  const isCompiled = compiler !== undefined
  return {
    name,
    folder,
    signatures,
    isCompiled,
    isHere: isThere && (!isCompiled || process.env.TAIBAI_TEST_BUILDS === '1'),
  }
}
