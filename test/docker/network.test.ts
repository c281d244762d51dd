import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import { connect as connectTcp, createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiListener } from '../../src/http/connection/api-listener.ts'
import { addressOf, listen } from '../../src/http/connection/listen.ts'
import { askDocker } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { docker } from '../support/docker-images.ts'
import { dockerWorkers, type FunctionWorker } from '../support/docker-workers.ts'
import { type OtherMachine, otherMachine } from '../support/other-machine.ts'

/** What functions reach over the network, from inside real containers: the world, and neither the host nor the cloud's metadata. */

const isRoot = process.getuid?.() === 0
if (!isRoot)
  console.warn('NOT ROOT: no rules of the firewall can be made; the tests of what functions reach are skipped.')

describeWithDocker('A function with a network', () => {
  describe.skipIf(!isRoot)('(as root beside the engine)', () => {
    const workers = dockerWorkers()
    let world: OtherMachine
    let host: Server
    let it: FunctionWorker
    const hostPort = () => (host.address() as { port: number }).port
    const connect = (where: { address: string; port: number }) => ({
      do: 'connect',
      host: where.address,
      port: where.port,
    })

    beforeAll(async () => {
      world = await otherMachine()
      host = createServer((socket) => socket.on('error', () => {}).end()).listen(0, '0.0.0.0')
      await once(host, 'listening')
      it = await workers().shared('python3')
    })
    afterAll(async () => {
      host?.close()
      await world?.[Symbol.asyncDispose]()
    })

    /** Refused, and at once: nobody waits for a silence. */
    async function isRefused(where: { address: string; port: number }, by = it): Promise<void> {
      const startedAt = performance.now()
      await expect(by.ask(connect(where)), where.address).rejects.toThrow(/refused|unreachable|No route|prohibited/i)
      expect(performance.now() - startedAt, 'a silence would take two minutes').toBeLessThan(30_000)
    }

    test("is refused the host's own services, at whichever address of it", async () => {
      const { gateway } = await it.address()
      const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
      const addresses = own
        .filter(({ family, internal }) => family === 'IPv4' && !internal)
        .map(({ address }) => address)
      for (const address of new Set([gateway, ...addresses.slice(0, 4)])) await isRefused({ address, port: hostPort() })
    })

    test("is refused the cloud's metadata", async () => {
      await isRefused(world.metadata)
      await expect(it.ask({ do: 'connect', host: 'fd00:ec2::254', port: 80 })).rejects.toThrow()
      const addresses = await it.read('/proc/net/if_inet6').catch(() => '')
      expect(
        addresses.split('\n').filter((line) => line !== '' && !/ lo$/.test(line) && !line.startsWith('fe80')),
      ).toEqual([])
    })

    test('is refused what the host publishes of other containers', async () => {
      const { image } = workers().manifest('python3')
      const id = await docker('run', '-d', '--rm', '-p', '8080', image, 'python3', '-m', 'http.server', '8080')
      try {
        const port = Number((await docker('port', id, '8080/tcp')).split('\n')[0]?.split(':').at(-1))
        await isRefused({ address: (await it.address()).gateway, port })
      } finally {
        await docker('rm', '-f', id)
      }
    })

    test('reaches the world', async () => {
      expect(await it.ask(connect(world))).toBe('connected')
    })

    describe('where the operator opened them', () => {
      const opened = dockerWorkers({ egressAllow: ['metadata', 'host:39517'] })

      test('reaches metadata, and that port of the host, and no other', async () => {
        const named = createServer((socket) => socket.end()).listen(39_517, '0.0.0.0')
        await once(named, 'listening')
        try {
          await using one = await opened().bound('python3')
          const { gateway } = await one.address()
          expect(await one.ask(connect(world.metadata))).toBe('connected')
          expect(await one.ask({ do: 'connect', host: gateway, port: 39_517 })).toBe('connected')
          await isRefused({ address: gateway, port: hostPort() }, one)
        } finally {
          named.close()
        }
      })
    })

    describe('that may call the API of a server which listens on loopback alone', () => {
      const listener = new ApiListener()
      const calling = dockerWorkers({ apiOpener: listener })
      let server: HttpServer
      beforeAll(async () => {
        server = await listen('127.0.0.1', 0, (_incoming, outgoing) => outgoing.end('the API'), {
          bodyTimeoutMs: 10_000,
        })
        listener.attach(server, '127.0.0.1', addressOf(server, '').port)
      })
      afterAll(() => {
        listener.close()
        server.closeAllConnections()
        server.close()
      })
      const fetching = "import os, urllib.request as r; print(r.urlopen(os.environ['TAIBAI_API']).read().decode())"

      test('reaches it by name, and else what others reach', async () => {
        await using caller = await calling().bound('python3', { api: true })
        expect(await caller.ask({ do: 'env', name: 'TAIBAI_API' })).toMatch(/^http:\/\/host\.docker\.internal:\d+$/)
        expect((await caller.run('python3', '-c', fetching)).stdout).toBe('the API\n')
        await isRefused({ address: 'host.docker.internal', port: hostPort() }, caller)
        await isRefused({ address: 'host.docker.internal', port: 22 }, caller)
        await isRefused(world.metadata, caller)
        expect(await caller.ask(connect(world))).toBe('connected')
      })

      test('is reached by no other function, nor from elsewhere on the host', async () => {
        await using caller = await calling().bound('python3', { api: true })
        await using other = await calling().bound('python3')
        const { gateway } = await caller.address()
        const port = Number(new URL(await caller.ask({ do: 'env', name: 'TAIBAI_API' })).port)
        expect(await other.ask({ do: 'env', name: 'TAIBAI_API' })).toBeNull()
        await isRefused({ address: gateway, port }, other)
        const stranger = connectTcp({ host: gateway, port, localAddress: '127.0.0.1' })
        let said = ''
        stranger.on('data', (chunk) => (said += chunk)).on('error', () => {})
        stranger.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        await new Promise((resolve) => stranger.once('close', resolve))
        expect(said).toBe('')
      })

      test('has its token neither in its environment nor where the engine shows it', async () => {
        await using caller = await calling().bound('python3', { api: true })
        const { token } = await caller.ask<{ token: string }>({ do: 'api' })
        expect(token).toMatch(/^tb_fn_/)
        expect(JSON.stringify(await caller.inspect())).not.toContain(token.slice(0, 20))
        expect(await caller.read('/proc/self/environ')).not.toContain('tb_fn_')
      })

      test('does not reach another such function', async () => {
        await using first = await calling().bound('python3', { api: true })
        await using second = await calling().bound('python3', { api: true })
        await second.run('sh', '-c', 'python3 -m http.server 8099 > /dev/null 2>&1 &')
        await expect(first.ask({ do: 'connect', host: (await second.address()).own, port: 8099 })).rejects.toThrow()
      })
    })

    describe('that opens connections without end', () => {
      const limited = dockerWorkers({ maxWorkerConnections: 30 })

      test('has as many as it may, and others have theirs', async () => {
        await using greedy = await limited().bound('python3')
        await using modest = await limited().bound('python3')
        const program = `
import socket
kept = []
for n in range(100):
    s = socket.socket(); s.settimeout(2)
    try: s.connect(('${world.address}', ${world.port})); kept.append(s)
    except OSError: break
print(len(kept)); import sys; sys.stdout.flush(); import time; time.sleep(3)`
        const opening = greedy.run('python3', '-c', program)
        await new Promise((resolve) => setTimeout(resolve, 2000))
        expect(await modest.ask(connect(world))).toBe('connected')
        const count = Number((await opening).stdout)
        expect(count).toBeGreaterThan(10)
        expect(count).toBeLessThanOrEqual(30)
      })
    })
  })
})

describeWithDocker('Two installations on one engine', () => {
  const [one, other] = [dockerWorkers(), dockerWorkers()]
  const networks = async () =>
    (await askDocker<{ Name: string }[]>('GET', '/networks'))
      .map(({ Name }) => Name)
      .filter((name) => /^taibai-test-/.test(name))

  test('have networks of their own, where their functions do not reach each other', async () => {
    expect(await networks()).toEqual(expect.arrayContaining([`taibai-${one().instance}`, `taibai-${other().instance}`]))
    await using first = await one().bound('python3')
    await using second = await other().bound('python3')
    const { own } = await second.address()
    await second.run('sh', '-c', 'python3 -m http.server 8099 > /dev/null 2>&1 &')
    await expect(first.ask({ do: 'connect', host: own, port: 8099 })).rejects.toThrow()
  })

  test('leave the workers of each other alone when one of them starts', async () => {
    await using first = await one().bound('python3')
    expect(await other().engine.removeLeftovers()).toBe(0)
    expect(await first.ask({ do: 'echo', value: 1 })).toBe(1)
  })
})
