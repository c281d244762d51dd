import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/**
 * PATH with the folder of the interpreter that `python3` is in the end: where it is a script that chooses a version (pyenv),
 * each start of a worker costs ten times as much, and the tests start hundreds. Where it is no script PATH stays as it is: other
 * programs of that folder would come before those of the packages.
 */
export function pathWithPython(path = process.env.PATH ?? ''): string {
  try {
    const options = { encoding: 'utf8', env: { ...process.env, PATH: path } } as const
    const found = dirname(execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], options).trim())
    const first = path.split(delimiter).find((folder) => existsSync(join(folder, 'python3')))
    return first === found ? path : [found, path].join(delimiter)
  } catch {
    // The tests that need it say so.
    return path
  }
}
