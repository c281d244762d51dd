import { randomInt } from 'node:crypto'
import { makeClient } from '../../src/client/client.ts'
import { groupCpu, makeGroup, removeGroup, weighGroup } from './control-groups.ts'
import { compare, generic } from './link.ts'
import { run } from './load.ts'
import type { RoundOptions } from './rounds.ts'
import { engineSocket, startTaibai, type Taibai, taibaiOf, waitUntil } from './taibai.ts'

/**
 * The same calls to a server outside and to one in a container, alternating: over the port that the engine publishes on loopback, which
 * a program of the engine hands on; at the container's own address; and with the host's network. Needs `npm run build:image`.
 */
export async function image(options: RoundOptions & { calls: number }): Promise<object> {
  weighGroup(makeGroup(groupName), precedence)
  const outside = await startTaibai({ GENERIC_WORKERS: generic })
  const port = 20_000 + randomInt(12_000)
  const at = (own: number) => async () => `http://127.0.0.1:${own}`
  const published = await startInside('published', ['-p', `127.0.0.1:${port}:7070`], at(port))
  const own = await startInside('own', [], ownUrl)
  const onHost = ['--network', 'host', '-e', `TAIBAI_PORT=${port + 1}`, '-e', 'TAIBAI_HOST=127.0.0.1']
  const host = await startInside('host', onHost, at(port + 1))
  try {
    const others = [
      { name: 'a published port', taibai: published },
      { name: 'its own address', taibai: own },
      { name: "the host's network", taibai: host },
    ]
    return await compare(others, { name: 'outside', taibai: outside }, options)
  } finally {
    for (const taibai of [published, own, host, outside]) await taibai.stop()
    removeGroup(`/${groupName}`)
  }
}

/** The container's address on the engine's bridge, which this machine reaches without the published port. */
async function ownUrl(name: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const address = await run('docker', ['inspect', '--format', format, name])
  return `http://${address.trim()}:7070`
}

/** Parent of the servers' containers: `--cpu-shares` of a container counts among containers only. */
const groupName = 'taibai-bench-server'
const precedence = 10

/** The server outside goes before other programs; the weight of its parent is what the one in a container has for that. */
async function startInside(how: string, network: string[], urlOf: (name: string) => Promise<string>): Promise<Taibai> {
  const name = `taibai-bench-${how}-${process.pid}`
  await run('docker', [
    ...['run', '-d', '--name', name, '--cgroup-parent', `/${groupName}`],
    ...['-v', `${engineSocket}:/var/run/docker.sock`, '-v', `${name}:/data`],
    ...['-e', `TAIBAI_GENERIC_WORKERS=${generic}`, ...network, 'taibai/server'],
  ])
  const stop = async () => {
    client.close()
    await run('docker', ['stop', '-t', '45', name])
    await run('docker', ['rm', '-v', name])
    await run('docker', ['volume', 'rm', name])
  }
  let token = ''
  const client = makeClient({ url: await urlOf(name), token: () => token })
  await waitUntil('the server in the container is ready', () => client.isReady().catch(() => false))
  token = (await run('docker', ['exec', name, 'cat', '/data/admin.token'])).trim()
  const id = (await run('docker', ['inspect', '--format', '{{.Id}}', name])).trim()
  const cpu = () => ({ server: groupCpu(`/${groupName}/${id}`) })
  return taibaiOf({ client, pid: 0, token, dataDir: '/data', stop }, cpu)
}
