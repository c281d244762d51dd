import { execFileSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'

/**
 * PATH with the folder of the interpreter that `python3` is in the end: where it is a script that chooses a version (pyenv),
 * each start of a worker costs ten times as much, and the tests start hundreds.
 */
export function pathWithPython(path = process.env.PATH ?? ''): string {
  try {
    const found = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
    return [dirname(found), path].join(delimiter)
  } catch {
    // The tests that need it say so.
    return path
  }
}
