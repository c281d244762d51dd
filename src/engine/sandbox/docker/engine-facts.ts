import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DockerClient } from './docker-client.ts'

/** What is found out about an engine and this server's place beside it. */

/** Whether a file of that folder is there for the engine: one with a name that no other machine has. */
export async function seesOurFiles(
  docker: DockerClient,
  folder: string,
  hostPath: (path: string) => string,
): Promise<boolean> {
  const file = join(folder, `seen-${randomUUID()}`)
  writeFileSync(file, '')
  try {
    return await docker.seesFile(hostPath(file))
  } finally {
    rmSync(file, { force: true })
  }
}

/** Whether the bridge of a network of the engine's is an interface of the server's. Its address says nothing: other engines give the same. */
export const hasBridge = (name: string): boolean => existsSync(`/sys/class/net/${name}`)

/** What is wrong with this control group for an engine that makes them itself (`cgroupfs`) or has systemd make them; null: nothing. */
export function wrongCgroupParent(parent: string | undefined, driver: string | undefined): string | null {
  if (parent === undefined || driver === undefined) return null
  const isSlice = /^[\w:@.-]+\.slice$/.test(parent)
  if (driver === 'systemd') {
    return isSlice
      ? null
      : `The engine leaves control groups to systemd: TAIBAI_CGROUP_PARENT has to be a slice, such as workers.slice, and is ${parent}.`
  }
  const isPath = parent.startsWith('/') && !parent.includes('..')
  return isPath
    ? null
    : `The engine makes control groups itself: TAIBAI_CGROUP_PARENT has to be a path, such as /taibai-workers, and is ${parent}.`
}
