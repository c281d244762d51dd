import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { userName } from './container-spec.ts'

/** Makes the files that containers see below /etc, for a user that has a name and a home. `user`: `uid:gid`. */
export function writeEtcFiles(folder: string, user: string): void {
  mkdirSync(folder, { recursive: true })
  // Whatever our umask says: the user inside must be able to read them.
  chmodSync(folder, 0o755)
  for (const [name, text] of Object.entries(etcFiles(user))) {
    const path = join(folder, name)
    writeFileSync(path, text)
    chmodSync(path, 0o644)
  }
}

export function etcFiles(user: string): Record<'passwd' | 'group' | 'hosts', string> {
  const [uid, gid] = user.split(':')
  const own = uid === '0' ? [] : [`${userName}:x:${uid}:${gid}:${userName}:/tmp:/bin/sh`]
  const ownGroup = gid === '0' ? [] : [`${userName}:x:${gid}:`]
  return {
    passwd: lines('root:x:0:0:root:/root:/bin/sh', ...own, 'nobody:x:65534:65534:nobody:/nonexistent:/bin/false'),
    group: lines('root:x:0:', ...ownGroup, 'nogroup:x:65534:'),
    hosts: lines('127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback'),
  }
}

const lines = (...all: string[]): string => `${all.join('\n')}\n`
