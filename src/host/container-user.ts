import { chownSync, existsSync, statSync } from 'node:fs'
import { makeFolder } from '../folder.ts'

/** User of the server in a container of our image: neither root nor a user of the machine. */
const serverUser = 7070

/**
 * Started as root in a container, the server goes on as another user: one who owns the data folder, and who is in the group of
 * the engine's socket. Whoever reaches that socket is root in effect; this protects from accidents.
 */
export function leaveRoot(dataDir: string, socket: string): void {
  if (process.getuid?.() !== 0) return
  makeFolder(dataDir, 0o700)
  chownSync(dataDir, serverUser, serverUser)
  process.setgroups?.(existsSync(socket) ? [statSync(socket).gid] : [])
  process.setgid?.(serverUser)
  process.setuid?.(serverUser)
}
