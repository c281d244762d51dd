/** Workers that share no disk with the server: the same engine, whose workers have to call. */
import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiListener } from '../../src/http/connection/api-listener.ts'
import { addressOf, listen } from '../../src/http/connection/listen.ts'
import { askDocker } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { dockerWorkers, type FunctionWorker, runtimeFolders } from '../support/docker-workers.ts'

describeWithDocker('over TCP', () => {
  const workers = dockerWorkers({ link: 'tcp', codeSizeMb: 64 })

  describe.each(runtimeFolders())('a worker of %s', (runtime) => {
    let it: FunctionWorker
    beforeAll(async () => {
      it = await workers().shared(runtime)
      return () => it.worker.kill()
    })

    test('has the code that came by the connection', async () => {
      const files = await it.ask<string[]>({ do: 'list', path: '/taibai/code' })
      expect(files).toContain(`main.${runtime === 'nodejs' ? 'mjs' : 'py'}`)
    })

    test('keeps its key from the engine, and its user from the disk of the engine', async () => {
      const info = JSON.stringify(await it.inspect())
      const { stdout: key } = await it.run('cat', '/taibai.key/key')
      expect(key.split(' ')[1]).toHaveLength(43)
      expect(info).not.toContain(key.split(' ')[1])
      expect(await it.ask({ do: 'env', name: 'TAIBAI_KEY' })).toBe(null)
      for (const path of ['/taibai.key/more', '/taibai.key/key']) {
        await expect(it.ask({ do: 'write', path, bytes: 1 })).rejects.toThrow()
      }
    })

    test('sees no path of the server’s folders in its table of mounts', async () => {
      const { stdout: mounts } = await it.run('cat', '/proc/self/mountinfo')
      expect(mounts).toContain(' / / ')
      expect(mounts).not.toContain(workers().path)
    })

    test('has a name for its user', async () => {
      expect((await it.run('whoami')).stdout).toBe('function\n')
    })

    test('takes what a child process prints to the log of its call', async () => {
      let printed = ''
      const onLog = (_stream: string, text: string) => {
        printed += text
      }
      await it.call({ do: 'raw', by: 'child', stdout: 'child', before: 'before' }, 60_000, { onLog })
      expect(printed).toBe('before\nchild\n')
    })
  })

  test('a worker without a network reaches neither the machine nor the world, and leaves no volume behind', async () => {
    const it = await workers().bound('python3', { network: 'none' })
    const { gateway } = await it.address()
    for (const [host, port] of [
      [gateway, 22],
      ['1.1.1.1', 53],
    ] as const) {
      await expect(it.ask({ do: 'connect', host, port })).rejects.toThrow()
    }
    const [mount] = (await it.inspect()).Mounts
    await it.worker.kill()
    expect(await askDocker('GET', `/volumes/${mount?.Name}`)).toHaveProperty('message')
  })

  describe('encrypted', () => {
    const secured = dockerWorkers({ link: 'tcp', linkTls: 'on', codeSizeMb: 64 })

    test.each(runtimeFolders())('a worker of %s takes calls, and its end is told as it was', async (runtime) => {
      await using it = await secured().bound(runtime)
      expect((await it.run('cat', '/taibai.key/key')).stdout).toContain('BEGIN CERTIFICATE')
      expect(await it.ask({ do: 'echo', value: 'grüß' })).toBe('grüß')
      let printed = ''
      const onLog = (_stream: string, text: string) => {
        printed += text
      }
      await it.call({ do: 'last_words', stderr: 'farewell' }, 60_000, { onLog })
      expect(printed).toContain('farewell')
      await using greedy = await secured().bound(runtime)
      expect(await greedy.call({ do: 'memory', mb: 400 })).toMatchObject({
        kind: 'killed',
        error: { type: 'MemoryExceeded' },
      })
    })
  })

  describe('and a function that may call the API of a server which listens on loopback alone', () => {
    const listener = new ApiListener()
    const calling = dockerWorkers({ link: 'tcp', codeSizeMb: 64, apiOpener: listener })
    let server: Server
    beforeAll(async () => {
      server = await listen('127.0.0.1', 0, (_incoming, outgoing) => outgoing.end('the API'), { bodyTimeoutMs: 10_000 })
      listener.attach(server, '127.0.0.1', addressOf(server, '').port)
    })
    afterAll(() => {
      listener.close()
      server.closeAllConnections()
      server.close()
    })

    test.each(runtimeFolders())('reaches both from %s: its link, and the API by name', async (runtime) => {
      await using caller = await calling().bound(runtime, { api: true })
      const { url, token, env } = await caller.ask<{ url: string; token: string; env: string }>({ do: 'api' })
      expect(url).toMatch(/^http:\/\/host\.docker\.internal:\d+$/)
      expect(token).toMatch(/^tb_fn_/)
      expect(env).toBe(url)
      const { hostname: host, port } = new URL(url)
      expect(await caller.ask({ do: 'connect', host, port: Number(port) })).toBe('connected')
      await expect(caller.ask({ do: 'connect', host, port: 22 })).rejects.toThrow()
    })
  })
})
