/** The protocol of a shim, tested on plain processes because the test needs direct access to the socket. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { encodeFrame, FrameType, maxFrameBytes, shimExitCodes } from '../../src/engine/worker/protocol.ts'
import { BindFailure } from './conformance-harness.ts'
import { bindMeta } from './shim-connection.ts'
import { ShimProcess } from './shim-process.ts'

export function protocolList(runtime: string, { isCompiled = false } = {}): void {
  const code = join(runtime, 'conformance')
  const start = () => ShimProcess.start(runtime)
  const bound = async (options = {}) => {
    const shim = await start()
    await shim.bind(code, options)
    return shim
  }

  test('a worker says hello with its protocol and its language', async () => {
    await using shim = await start()
    expect(await shim.connection.hello).toMatchObject({
      protocol: 1,
      runtime: expect.any(String),
      version: expect.stringMatching(/\d+\.\d+/),
    })
  })

  test('a worker writes nothing to its own standard streams', async () => {
    await using shim = await bound()
    await shim.connection.call({ do: 'print', stdout: 'out', stderr: 'err' }).outcome
    expect(shim.raw.text).toBe('')
  })

  test('a generic worker exits when the connection closes', async () => {
    await using shim = await start()
    shim.connection.close()
    expect(await soon(shim.exited)).toBe(shimExitCodes.linkLost)
  })

  test('a worker exits when the connection closes during a call', async () => {
    await using shim = await bound()
    void shim.connection.call({ do: 'sleep', ms: 60_000 })
    await sleep(50)
    shim.connection.close()
    expect(await soon(shim.exited)).toBe(shimExitCodes.linkLost)
  })

  test('a worker that is told to go runs what the function has prepared for it, and what that prints arrives', async () => {
    await using shim = await bound()
    await shim.connection.call({ do: 'at_end', stdout: 'flushed' }).outcome
    process.kill(shim.pid, 'SIGTERM')
    expect(await soon(shim.exited)).not.toBe('too late')
    await shim.connection.closed
    expect(shim.connection.output.stdout).toBe('flushed\n')
  })

  test('a worker that is told to go answers the call in flight first, and says that it takes no more', async () => {
    await using shim = await bound()
    const call = shim.connection.call({ do: 'sleep', ms: 2000 })
    await sleep(500)
    process.kill(shim.pid, 'SIGTERM')
    expect(await call.outcome).toMatchObject({ value: 'slept' })
    expect(call.lastMeta).toMatchObject({ last: true })
    expect(await soon(shim.exited)).not.toBe('too late')
  })

  test('a generic worker that is told to go goes', async () => {
    await using shim = await start()
    process.kill(shim.pid, 'SIGTERM')
    expect(await soon(shim.exited)).not.toBe('too late')
  })

  test('a call before any function is bound fails as NotBound, and binding still works', async () => {
    await using shim = await start()
    const call = shim.connection.call({ do: 'echo', value: 1 })
    expect(await call.outcome).toMatchObject({ state: 'failed', type: 'NotBound' })
    await shim.bind(code)
    expect(await shim.connection.call({ do: 'echo', value: 1 }).outcome).toMatchObject({ value: 1 })
  })

  test('a call sent right behind BIND waits for the function to be loaded', async () => {
    await using shim = await start()
    const binding = shim.bind(code)
    const call = shim.connection.call({ do: 'echo', value: 1 })
    await binding
    expect(await call.outcome).toMatchObject({ value: 1 })
  })

  test('a call sent right behind a BIND that fails is answered too', async () => {
    await using shim = await start()
    const binding = shim.bind(code, { entry: 'throws_at_load.main' })
    const call = shim.connection.call({ do: 'echo', value: 1 })
    await expect(binding).rejects.toBeInstanceOf(BindFailure)
    expect(await call.outcome).toMatchObject({ state: 'failed', type: 'NotBound' })
  })

  test('a second BIND is refused and the first function stays', async () => {
    await using shim = await bound()
    const second = shim.bind(code, { entry: 'prints_at_load.main' })
    await expect(second).rejects.toMatchObject({ type: 'AlreadyBound' })
    expect(await shim.connection.call({ do: 'echo', value: 1 }).outcome).toMatchObject({ value: 1 })
  })

  test('frames of unknown types, unknown meta keys and calls that are over are ignored', async () => {
    await using shim = await bound()
    const { connection } = shim
    await connection.call({ do: 'echo', value: 1 }).outcome
    connection.send(99, 0, { what: 'ever' }, Buffer.from('body'))
    connection.send(FrameType.cancel, 1)
    connection.send(FrameType.cancel, 12345, { unknown: true })
    connection.send(FrameType.credit, 1, { bytes: 5 })
    connection.send(FrameType.credit, 12345, { bytes: 5 })
    expect(await connection.call({ do: 'echo', value: 2 }).outcome).toMatchObject({ value: 2 })
    expect(connection.strays).toEqual([])
  })

  describe('OpenStack', () => {
    const ask = { do: 'openstack', type: 'object-store' }

    test('is not there without a SESSION, and not any more after an empty one', async () => {
      await using shim = await bound()
      expect(await shim.connection.call(ask).outcome).toMatchObject({ value: null })
      shim.connection.send(FrameType.session, 0, openStackSession('first-token'))
      expect(await shim.connection.call(ask).outcome).toMatchObject({ value: { token: 'first-token' } })
      shim.connection.send(FrameType.session, 0, {})
      expect(await shim.connection.call(ask).outcome).toMatchObject({ value: null })
    })

    test('is what the latest SESSION says', async () => {
      await using shim = await bound()
      for (const token of ['first-token', 'second-token']) {
        shim.connection.send(FrameType.session, 0, openStackSession(token))
        expect(await shim.connection.call(ask).outcome).toMatchObject({
          value: {
            token,
            auth_url: 'http://keystone/v3',
            project_id: 'project-1',
            user_id: 'user-1',
            roles: ['member'],
            services: 1,
            url: 'http://one/v1/AUTH_1',
          },
        })
      }
      const elsewhere = shim.connection.call({ ...ask, region: 'Two' })
      expect(await elsewhere.outcome).toMatchObject({ value: { url: 'http://two/v1/AUTH_1' } })
    })

    test('shows no token when the context is printed', async () => {
      await using shim = await bound()
      shim.connection.send(FrameType.session, 0, openStackSession('secret-token'))
      const call = shim.connection.call(ask)
      await call.outcome
      expect(call.output.stdout).not.toBe('')
      expect(call.output.stdout + call.output.stderr).not.toContain('secret-token')
    })

    test('says what is wrong to those who ask', async () => {
      await using shim = await bound()
      shim.connection.send(FrameType.session, 0, { problem: 'Keystone sleeps.' })
      expect(await shim.connection.call({ do: 'echo', value: 1 }).outcome).toMatchObject({ value: 1 })
      const failed = { state: 'failed', type: 'OpenStackUnavailable', message: 'Keystone sleeps.' }
      expect(await shim.connection.call(ask).outcome).toMatchObject(failed)
      shim.connection.send(FrameType.session, 0, openStackSession('token'))
      const unknown = shim.connection.call({ ...ask, type: 'compute' })
      expect(await unknown.outcome).toMatchObject({
        type: 'EndpointNotFound',
        message: expect.stringContaining('compute'),
      })
    })
  })

  test.skipIf(isCompiled)('all prints of a call come before the frame that ends it', async () => {
    await using shim = await bound({ concurrency: 8 })
    const calls = Array.from({ length: 50 }, (_, n) =>
      shim.connection.call({ do: 'print', stdout: `${n}`, stderr: 'x' }),
    )
    await Promise.all(calls.map((call) => call.outcome))
    for (const [n, call] of calls.entries()) expect(call.output).toEqual({ stdout: `${n}\n`, stderr: 'x\n' })
    expect(shim.connection.strays).toEqual([])
  })

  test('frames may arrive byte by byte', async () => {
    await using shim = await start()
    const bind = Buffer.concat(encodeFrame(FrameType.bind, 0, JSON.stringify(bindMeta(code))))
    for (const byte of bind) {
      shim.connection.sendBytes(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    const outcome = await shim.connection.call({ do: 'echo', value: 'torn' }).outcome
    expect(outcome).toMatchObject({ value: 'torn' })
  })

  test('many frames may arrive at once, the last one torn', async () => {
    await using shim = await bound({ concurrency: 100 })
    const calls = Array.from({ length: 100 }, (_, n) => shim.connection.call({ do: 'echo', value: 'x'.repeat(n * 50) }))
    for (const [n, call] of calls.entries()) expect(await call.outcome).toMatchObject({ value: 'x'.repeat(n * 50) })
  })

  const garbage: [string, Buffer][] = [
    ['shorter than its own head', Buffer.from([0, 0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0])],
    ['longer than any may be', lengthField(maxFrameBytes + 1)],
    ['whose meta is longer than itself', Buffer.from([0, 0, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 1])],
    ['whose meta is not JSON', Buffer.concat(encodeFrame(FrameType.call, 1, '{nonsense'))],
    ['that are no frames at all', Buffer.alloc(100, 255)],
  ]
  test.each(garbage)('bytes %s make the worker exit, not hang', async (_what, bytes) => {
    await using shim = await bound()
    shim.connection.sendBytes(bytes)
    const code = await soon(shim.exited)
    expect(code).not.toBe('too late')
    expect(code).not.toBe(0)
  })
}

/** Meta of a SESSION. */
export function openStackSession(token: string, url = 'http://one/v1/AUTH_1'): Record<string, unknown> {
  const endpoints = [
    { interface: 'public', region: 'One', region_id: 'One', url: `${url}/` },
    { interface: 'public', region: 'Two', region_id: 'Two', url: 'http://two/v1/AUTH_1' },
  ]
  const domain = { id: 'default', name: 'Default' }
  return {
    token,
    auth_url: 'http://keystone/v3',
    details: {
      user: { id: 'user-1', name: 'demo', domain },
      project: { id: 'project-1', name: 'demo', domain },
      roles: [{ id: 'role-1', name: 'member' }],
      expires_at: '2099-01-01T00:00:00.000000Z',
      issued_at: '2030-01-01T00:00:00.000000Z',
      methods: ['password'],
    },
    catalog: [{ type: 'object-store', name: 'swift', endpoints }],
  }
}

function lengthField(length: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(length)
  return bytes
}

async function soon<T>(promise: Promise<T>): Promise<T | 'too late'> {
  return await Promise.race([promise, sleep(10_000, 'too late' as const, { ref: false })])
}
