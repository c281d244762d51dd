import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DockerClient } from './docker-client.ts'

/** Facts about an engine and this server's place beside it. */

/** Whether the engine sees a file of that folder. The file's name is unique, so no other machine has it. */
export async function engineSeesFilesOf(
  docker: DockerClient,
  folder: string,
  hostPath: (path: string) => string,
): Promise<boolean> {
  const file = join(folder, `seen-${randomUUID()}`)
  writeFileSync(file, '')
  try {
    return await docker.containers.seesFile(hostPath(file))
  } finally {
    rmSync(file, { force: true })
  }
}

/**
 * Whether the bridge of an engine's network is an interface of this machine. Its address proves nothing: other engines use the
 * same subnets.
 */
export const hasBridge = (name: string): boolean => existsSync(`/sys/class/net/${name}`)

/** Why this parent cannot be used with the engine's cgroup driver (`cgroupfs` or systemd); null: it can. */
export function wrongCgroupParent(parent: string | undefined, driver: string | undefined): string | null {
  if (parent === undefined || driver === undefined) return null
  const isSlice = /^[\w:@.-]+\.slice$/.test(parent)
  if (driver === 'systemd') {
    return isSlice
      ? null
      : `The engine leaves control groups to systemd: TAIBAI_CGROUP_PARENT must be a slice, such as workers.slice, not ${parent}.`
  }
  const isPath = parent.startsWith('/') && !parent.includes('..')
  return isPath
    ? null
    : `The engine makes control groups itself: TAIBAI_CGROUP_PARENT must be a path, such as /taibai-workers, not ${parent}.`
}
