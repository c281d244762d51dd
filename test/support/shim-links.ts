/** How a shim under test and the test find each other: both links that a server has, without the server. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '../../src/domain/clock.ts'
import { codePieces } from '../../src/engine/worker/code-pieces.ts'
import type { LinkConnection } from '../../src/engine/worker/link.ts'
import { makePipes } from '../../src/engine/worker/named-pipes.ts'
import { FrameType } from '../../src/engine/worker/protocol.ts'
import { TcpLinks } from '../../src/engine/worker/tcp-links.ts'
import { openPipe } from '../../src/engine/worker/worker-folder.ts'
import type { ShimConnection } from './shim-connection.ts'

export interface ShimLink {
  env: Record<string, string>
  connection(): Promise<LinkConnection>
  /** Where the shim finds this code then. */
  bring(code: string, connection: ShimConnection): string
  close(): Promise<void>
}

export type ShimLinkName = 'folder' | 'tcp' | 'tls'

export type MakeShimLink = (folder: string) => Promise<ShimLink>

export const shimLinks: Record<ShimLinkName, MakeShimLink> = {
  folder: byFolder,
  tcp: (folder) => overTcp(folder, false),
  tls: (folder) => overTcp(folder, true),
}

async function byFolder(folder: string): Promise<ShimLink> {
  const path = join(folder, 'worker.sock')
  const server = createServer().listen(path)
  await once(server, 'listening')
  const pipes = ['stdout', 'stderr'].map((name) => join(folder, name)) as [string, string]
  await makePipes(pipes)
  const [stdout, stderr] = pipes.map(openPipe) as [Socket, Socket]
  const frames = once(server, 'connection').then(([socket]) => socket as Socket)
  return {
    env: { TAIBAI_SOCKET: path },
    connection: async () => ({ frames: await frames, stdout, stderr }),
    bring: (code) => code,
    close: async () => {
      server.close()
      stdout.destroy()
      stderr.destroy()
    },
  }
}

async function overTcp(folder: string, isEncrypted: boolean): Promise<ShimLink> {
  let port = 0
  const callers = {
    ...{ listenOn: [{ host: '127.0.0.1', port: 0 }], staysHere: true, isEncrypted },
    listening: async ([given = 0]: number[]) => {
      port = given
    },
  }
  const links = await TcpLinks.open({ inside: () => folder, secretsFolder: () => folder }, callers, systemClock)
  const link = await links.make('w1')
  const key = join(folder, 'key')
  writeFileSync(key, link.given.key)
  return {
    env: { TAIBAI_SERVER: `127.0.0.1:${port}`, TAIBAI_KEY: key },
    connection: () => link.connection(),
    bring: (code, connection) => {
      const inside = join(folder, 'code')
      for (const { meta, body } of codePieces(code, inside)) connection.send(FrameType.code, 0, { ...meta }, body)
      return inside
    },
    close: async () => {
      await link.remove()
      await links.close()
    },
  }
}
