import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../../folder.ts'

/** The record of `taibai dev` in the folder that it serves, by which other commands find its server. */

export interface Session {
  /** Pid of the command. */
  pid: number
  url: string
  dataDir: string
}

/** Beside the code, and always left out of packages. */
export const sessionFolder = '.taibai'

const fileOf = (folder: string): string => join(folder, sessionFolder, 'session.json')

/**
 * Null: no session serves this folder. Tokens are sent to the recorded address, and the file may have come with the folder or
 * from another user: it is used only when this user has written it on this machine.
 */
export function liveSession(folder: string): Session | null {
  try {
    const session: Session = JSON.parse(readFileSync(fileOf(folder), 'utf8'))
    const isOwn = statSync(fileOf(folder)).uid === process.getuid?.()
    if (!isOwn || !(session.pid > 0) || !isLoopbackUrl(session.url)) return null
    process.kill(session.pid, 0)
    return session
  } catch {
    return null
  }
}

export const isLoopbackUrl = (url: string): boolean => {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/** Also creates the folder and makes version control ignore it. */
export function makeSessionFolder(folder: string): string {
  const path = join(folder, sessionFolder)
  makeFolder(path, 0o700)
  writeFileSync(join(path, '.gitignore'), '*\n')
  return path
}

export const writeSession = (folder: string, session: Session): void =>
  writeFileSync(fileOf(folder), `${JSON.stringify(session)}\n`, { mode: 0o600 })

export const removeSession = (folder: string): void => rmSync(fileOf(folder), { force: true })
