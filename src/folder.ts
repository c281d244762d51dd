import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * A folder with those above it; one that is there is left as it is. Throws what the system says. Not by `recursive` of
 * Node.js: that tries for ever where nothing can be made in a folder that is there, as in /proc.
 */
export function makeFolder(path: string, mode = 0o755): void {
  if (isFolder(path)) return
  makeFolder(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
