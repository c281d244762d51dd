import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { engineAddress } from '../../api/engine-address.ts'
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

const connectMs = 5000

/** Our own address on the way to an engine of another machine; null: it is on this one, or not reached over TCP. */
export function addressTowards(host: string | undefined): Promise<string | null> {
  const { options } = engineAddress(host)
  if (options.socketPath !== undefined || options.createConnection !== undefined) return Promise.resolve(null)
  return new Promise((resolve) => {
    const socket = connect({ host: String(options.host), port: Number(options.port), timeout: connectMs })
    const done = (address: string | undefined) => {
      socket.destroy()
      const plain = address?.replace(/^::ffff:/, '')
      resolve(plain === undefined || plain.startsWith('127.') || plain.includes(':') ? null : plain)
    }
    socket.once('connect', () => done(socket.localAddress))
    socket.once('error', () => done(undefined)).once('timeout', () => done(undefined))
  })
}
