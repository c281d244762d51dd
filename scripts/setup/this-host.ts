// Small facts about the host that several setup steps ask for.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Users without root often lack the sbin folders in PATH, yet what lies there is installed. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS].filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** systemd is really running, not just installed (its own documented test). */
export function runsSystemd(): boolean {
  return existsSync('/run/systemd/system')
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
