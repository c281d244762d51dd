import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * A server in a container sees its data at another path than the engine, which mounts the workers' folders by paths of its own
 * machine. The mounts that the engine reports for our container translate the paths.
 */

export interface Mount {
  /** Path on the engine's machine; empty: in memory only. */
  Source: string
  /** Path in our container. */
  Destination: string
}

/**
 * Maps a folder of ours to the engine's path. Throws an Error with a sentence for a folder that exists only in this container.
 */
export function hostPath(mounts: Mount[], path: string): string {
  // The longest first: a mount may be inside another.
  const sorted = mounts.toSorted((a, b) => b.Destination.length - a.Destination.length)
  const mount = sorted.find(({ Destination }) => path === Destination || path.startsWith(`${Destination}/`))
  if (mount === undefined || mount.Source === '') {
    throw new Error(`${path} is inside this container only: mount a volume or a folder there, such as -v taibai:/data.`)
  }
  return [mount.Source, relative(mount.Destination, path)].filter((part) => part !== '').join('/')
}

/** Id of the container in which this process runs, from the kernel's mount table; null: none. */
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
