import { randomInt } from 'node:crypto'
import { makeClient } from '../../src/client/client.ts'
import { compare, generic } from './link.ts'
import { run } from './load.ts'
import type { RoundOptions } from './rounds.ts'
import { engineSocket, startTaibai, type Taibai, taibaiOf, waitUntil } from './taibai.ts'

/** The same calls to a server in a container and one outside, alternating. Needs `npm run build:image`. */
export async function image(options: RoundOptions & { calls: number }): Promise<object> {
  const outside = await startTaibai({ GENERIC_WORKERS: generic })
  const inside = await startInside()
  try {
    return await compare([{ name: 'in a container', taibai: inside }], { name: 'outside', taibai: outside }, options)
  } finally {
    await inside.stop()
    await outside.stop()
  }
}

async function startInside(): Promise<Taibai> {
  const name = `taibai-bench-${process.pid}`
  const port = 20_000 + randomInt(12_000)
  await run('docker', [
    // The server outside goes before other programs; its weight is what the one in a container has for that.
    ...[
      'run',
      '-d',
      '--name',
      name,
      '--cpu-shares',
      '4096',
      '-v',
      `${engineSocket}:/var/run/docker.sock`,
      '-v',
      `${name}:/data`,
    ],
    ...['-e', `TAIBAI_GENERIC_WORKERS=${generic}`, '-p', `127.0.0.1:${port}:7070`, 'taibai/server'],
  ])
  const stop = async () => {
    client.close()
    await run('docker', ['stop', '-t', '45', name])
    await run('docker', ['rm', '-v', name])
    await run('docker', ['volume', 'rm', name])
  }
  let token = ''
  const client = makeClient({ url: `http://127.0.0.1:${port}`, token: () => token })
  await waitUntil('the server in the container is ready', () => client.isReady().catch(() => false))
  token = (await run('docker', ['exec', name, 'cat', '/data/admin.token'])).trim()
  // Its processes belong to another user, so their CPU time is not counted.
  return taibaiOf({ client, pid: 0, token, dataDir: '/data', stop }, () => ({}))
}
