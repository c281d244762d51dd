// Programs that come as npm packages: one package per processor, such as the Node.js binary itself.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { SetupProblem } from './problem.ts'

export function copyPrograms(npm: string, target: string): void {
  const { folder, bin } = npmPrograms(npm)
  mkdirSync(target, { recursive: true })
  for (const [name, path] of Object.entries(bin)) cpSync(join(folder, path), join(target, name), { dereference: true })
}

/** The programs that an npm package brings for this processor, as its `bin` field names them. */
export function npmPrograms(family: string): { folder: string; bin: Record<string, string>; identity: string } {
  const name = `${family}-${process.arch}`
  const manifestPath = findManifest(name)
  if (manifestPath === undefined)
    throw new SetupProblem(`The npm package ${name} is not installed; is there a version for this processor?`)
  const { bin, version } = JSON.parse(readFileSync(manifestPath, 'utf8'))
  return { folder: dirname(manifestPath), bin, identity: `${name}@${version}` }
}

function findManifest(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
}
