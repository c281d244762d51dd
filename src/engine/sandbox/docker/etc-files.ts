import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { userName } from '../container/container-paths.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import { passwdOf } from './container-spec.ts'

/** The files under /etc in containers: each worker's user has a name and a home directory. */
export class EtcFiles {
  #folder: string
  #written = new Set<number>()

  /** `gid`: the group of all users. */
  constructor(folder: string, gid: number) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
    // The users inside must be able to read the files, whatever the server's umask.
    chmodSync(folder, 0o755)
    this.#write('group', `root:x:0:\n${userName}:x:${gid}:\nnogroup:x:65534:\n`)
    this.#write('hosts', '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n')
  }

  /** Creates the passwd file for the user. */
  name(user: WorkerUser): void {
    if (this.#written.has(user.uid)) return
    this.#write(passwdOf(user.uid), passwdText(user))
    this.#written.add(user.uid)
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name)
    writeFileSync(path, text)
    chmodSync(path, 0o644)
  }
}

export const passwdText = ({ uid, gid }: WorkerUser): string => `root:x:0:0:root:/root:/bin/sh
${userName}:x:${uid}:${gid}:${userName}:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
`
