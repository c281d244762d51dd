import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { readHostEnvironment } from '../config.ts'

/** Facts about this machine that several steps need. */

/** PATH of users without root often lacks the sbin folders. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** The path of an installed program. */
export function findProgram(name: string): string | undefined {
  const folders = [...readHostEnvironment().searchPath, ...systemFolders]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** True when systemd is running, not just installed (its documented test). */
export const runsSystemd = (): boolean => existsSync('/run/systemd/system')

export const isRoot = (): boolean => process.getuid?.() === 0

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
