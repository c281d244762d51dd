import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from './server-process.ts'

/** The runtimes that the conformance list can be asked of: they have their manifest, their shim and their functions. */
export function completeRuntimes(): { name: string; folder: string }[] {
  const runtimes = join(projectFolder, 'runtimes')
  return readdirSync(runtimes)
    .map((name) => ({ name, folder: join(runtimes, name) }))
    .filter(({ folder }) => isComplete(folder))
}

function isComplete(folder: string): boolean {
  const manifest = join(folder, 'runtime.json')
  if (!existsSync(manifest) || !existsSync(join(folder, 'conformance'))) return false
  return existsSync(join(folder, JSON.parse(readFileSync(manifest, 'utf8')).shim))
}
