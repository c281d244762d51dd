import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages of PyPI for the Python of this machine, fetched once and kept beside the other packages. A sentence says why they are not there. */
export function pythonPackages(wanted: string[]): { folder: string; problem: string | null } {
  const cache = new URL(`../../node_modules/.cache/python/${wanted.join('+')}-${pythonVersion()}`, import.meta.url)
  const folder = fileURLToPath(cache)
  if (existsSync(folder)) return { folder, problem: null }
  const beside = `${folder}.${process.pid}`
  mkdirSync(dirname(folder), { recursive: true })
  const args = ['-m', 'pip', 'install', '-q', '--no-compile', '--only-binary', ':all:', '--target', beside, ...wanted]
  const { status, error, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
  if (status === 0) {
    renameSync(beside, folder)
    return { folder, problem: null }
  }
  rmSync(beside, { recursive: true, force: true })
  const why = error?.message ?? stderr.trim().split('\n').at(-1)
  return { folder, problem: `pip could not install ${wanted.join(', ')}: ${why}` }
}

export function pythonVersion(): string {
  const program = 'import sys; print("%d.%d" % sys.version_info[:2])'
  return spawnSync('python3', ['-c', program], { encoding: 'utf8' }).stdout?.trim()
}
