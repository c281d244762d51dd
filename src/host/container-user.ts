import { chownSync, existsSync, statSync } from 'node:fs'
import { makeFolder } from '../folder.ts'

/** User id of the server in a container of our image: neither root nor a user of the machine. */
const serverUser = 7070

/**
 * A server that was started as root in a container switches to another user, who owns the data folder and belongs to the group of
 * the engine's socket. Access to that socket is equivalent to root; this only protects from accidents.
 */
export function leaveRoot(dataDir: string, socket: string): void {
  if (process.getuid?.() !== 0) return
  makeFolder(dataDir, 0o700)
  chownSync(dataDir, serverUser, serverUser)
  process.setgroups?.(existsSync(socket) ? [statSync(socket).gid] : [])
  process.setgid?.(serverUser)
  process.setuid?.(serverUser)
}
