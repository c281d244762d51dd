import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * A server in a container sees its data under another name than the engine, which looks for the folders of workers on its own
 * machine. What the engine tells of our container says how it calls them.
 */

export interface Mount {
  /** As the engine calls it; empty: it is in memory only. */
  Source: string
  /** As we see it. */
  Destination: string
}

/** How the engine calls a folder of ours. Throws an Error with a sentence for one that is in this container only. */
export function hostPath(mounts: Mount[], path: string): string {
  // The longest first: a mount may lie in another.
  const sorted = mounts.toSorted((a, b) => b.Destination.length - a.Destination.length)
  const mount = sorted.find(({ Destination }) => path === Destination || path.startsWith(`${Destination}/`))
  if (mount === undefined || mount.Source === '') {
    throw new Error(`${path} is inside this container only: mount a volume or a folder there, such as -v taibai:/data.`)
  }
  return [mount.Source, relative(mount.Destination, path)].filter((part) => part !== '').join('/')
}

/** Id of the container that this process runs in, by what the kernel says of its mounts; null: in none. */
export function ownContainerId(): string | null {
  try {
    return containerIdIn(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch {
    return null
  }
}

/** Every engine mounts /etc/hostname for each container, whatever its network, name and cgroups. */
export const containerIdIn = (mountinfo: string): string | null =>
  /\/([0-9a-f]{64})\/(?:userdata\/)?hostname \/etc\/hostname /.exec(mountinfo)?.[1] ?? null
