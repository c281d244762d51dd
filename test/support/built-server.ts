import { lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { bundle, writeJson } from '../../scripts/build/bundle.ts'
import { projectFolder } from '../../src/assets.ts'

const folder = join(projectFolder, 'node_modules/.cache/taibai-test-server')
const program = join(folder, 'src/main.cjs')

/**
 * Before the rings that start servers: makes the program that they start, the one of the package for npm. It is made anew
 * for each run of the tests, once for all rings, and its start costs less than half of one from the sources.
 */
export default async function shareServer(project: TestProject): Promise<void> {
  if (process.env.TAIBAI_TEST_SERVER === program) return
  process.env.TAIBAI_TEST_SERVER = program
  project.onTestsRerun(make)
  await make()
}

async function make(): Promise<void> {
  // As deep as where its files will lie: they name their sources from there.
  const making = join(folder, `src-${process.pid}`)
  const { hash } = await bundle('package', making, { isReadable: true })
  for (const name of ['runtimes', 'docs', 'dist', 'package.json']) link(name)
  mkdirSync(join(folder, 'src'), { recursive: true })
  // Each in one step: another run of the tests may start servers meanwhile.
  for (const name of readdirSync(making)) renameSync(join(making, name), join(folder, 'src', name))
  rmSync(making, { recursive: true })
  writeJson(join(folder, 'manifest.json'), { build: hash, files: [] })
}

/** What travels with the program is that of this tree, also when the packages were copied from another one. */
function link(name: string): void {
  const place = join(folder, name)
  const there = lstatSync(place, { throwIfNoEntry: false })
  if (there?.isSymbolicLink() && readlinkSync(place) !== join(projectFolder, name)) rmSync(place)
  if (lstatSync(place, { throwIfNoEntry: false }) === undefined) symlinkSync(join(projectFolder, name), place)
}
