import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/domain/clock.ts'
import type { StreamSink } from '../../src/domain/platform/worker.ts'
import { Channel, type Ending, headOf, type PendingCall } from '../../src/engine/worker/channel.ts'
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameType,
  maxFrameBytes,
  ProtocolError,
  parseMeta,
  streamWindowBytes,
} from '../../src/engine/worker/protocol.ts'
import { collectGarbage } from '../support/collect-garbage.ts'
import { socketPair } from '../support/engine-parts-sockets.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A channel, and the worker's end of it in the hand of the test. */
async function connected(clock?: Clock) {
  const { server, worker } = await socketPair()
  const channel = new Channel(server, clock)
  opened.push(channel)
  const decoder = new FrameDecoder()
  const received: Frame[] = []
  worker.on('data', (bytes: Buffer) => received.push(...decoder.push(Buffer.from(bytes))))
  const sendBytes = (...pieces: Buffer[]) => void worker.write(Buffer.concat(pieces))
  const send = (type: number, call: number, meta: object | string = '', body = Buffer.alloc(0)) =>
    sendBytes(...encodeFrame(type as FrameType, call, typeof meta === 'string' ? meta : JSON.stringify(meta), body))
  const until = async (condition: () => boolean) => {
    for (let turn = 0; turn < 10_000 && !condition(); turn++) await sleep(2)
    expect(condition(), 'it happens in time').toBe(true)
  }
  return { channel, worker, received, send, sendBytes, until }
}

const lumpBytes = streamWindowBytes / 4

const opened: Channel[] = []
afterEach(() => {
  for (const channel of opened.splice(0)) channel.close()
})

/** What became of a call. */
class Watched {
  readonly logs: string[] = []
  readonly endings: { frame: Ending; status: number | undefined }[] = []
  readonly ended: Promise<Ending>
  #resolve: (frame: Ending) => void = () => {}
  readonly sink: StreamSink | undefined

  constructor(sink?: StreamSink) {
    this.sink = sink
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  onLog(stream: string, text: string): void {
    this.logs.push(`${stream}: ${text}`)
  }

  end(frame: Ending, status: number | undefined): void {
    this.endings.push({ frame, status })
    this.#resolve(frame)
  }
}

/** Nobody listens to the call. */
const deaf: PendingCall = { onLog() {}, end() {} }

const watch = (channel: Channel, sink?: StreamSink) => {
  const watched = new Watched(sink)
  const pending = {
    sink,
    onLog: (stream: 'stdout' | 'stderr', text: string) => watched.onLog(stream, text),
    end: (frame: Ending, status: number | undefined) => watched.end(frame, status),
  }
  return { watched, number: channel.call('{}', Buffer.from('input'), pending) }
}

describe('what a worker may not send', () => {
  const garbage: [string, Buffer][] = [
    ['bytes that are no frame', Buffer.alloc(64, 0xff)],
    ['a frame shorter than its own head', Buffer.from([0, 0, 0, 8, 19, 0, 0, 0, 1, 0, 0, 0, 0])],
    ['a frame longer than any may be', Buffer.from([0x01, 0x00, 0x00, 0x01, 19, 0, 0, 0, 1, 0, 0, 0, 0])],
    ['a frame whose meta is longer than itself', Buffer.from([0, 0, 0, 9, 19, 0, 0, 0, 1, 0, 0, 0, 1])],
    ['a log whose meta is no JSON', Buffer.concat(encodeFrame(FrameType.log, 1, '{nonsense'))],
    ['a head whose meta is not an object', Buffer.concat(encodeFrame(FrameType.head, 1, '[1]'))],
  ]
  test.each(garbage)('%s closes the connection, and every call ends', async (_what, bytes) => {
    const { channel, sendBytes } = await connected()
    const calls = [watch(channel), watch(channel)]
    sendBytes(bytes)
    await channel.closed
    for (const { watched } of calls) expect(watched.endings).toEqual([{ frame: null, status: undefined }])
  })

  test('whatever bytes arrive, nothing throws, and every call ends once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), async (pieces) => {
        const { channel, worker, sendBytes } = await connected()
        const { watched } = watch(channel)
        for (const piece of pieces) sendBytes(Buffer.from(piece))
        worker.end()
        await channel.closed
        expect(watched.endings).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
  })

  test('whatever frames arrive, nothing throws, and every call ends once', async () => {
    const anything = fc.anything({ withNullPrototype: false, maxDepth: 2 })
    const meta = fc.oneof(
      fc.record({ status: anything, headers: anything, stream: anything, value: anything, http: anything }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
    )
    const frame = fc.record({
      type: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(19, 20, 21, 22, 23, 24)),
      call: fc.constantFrom(0, 1, 1, 1, 2, 3, 0xffff_ffff),
      meta: fc.oneof(
        fc.constant(''),
        meta.map((value) => JSON.stringify(value) ?? ''),
      ),
      body: fc.uint8Array({ maxLength: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
        const { channel, worker, sendBytes } = await connected()
        const sink: StreamSink = { head() {}, write: () => true, drained: async () => {} }
        const calls = [watch(channel, sink), watch(channel)]
        for (const { type, call, meta, body } of frames) {
          sendBytes(...encodeFrame(type as FrameType, call, meta, Buffer.from(body)))
        }
        worker.end()
        await channel.closed
        for (const { watched } of calls) expect(watched.endings).toHaveLength(1)
      }),
      { numRuns: 200 },
    )
  })

  test('more of a streamed answer than it has credit for closes the connection', async () => {
    const { channel, send } = await connected()
    const sink: StreamSink = { head() {}, write: () => false, drained: () => new Promise(() => {}) }
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    send(FrameType.chunk, 1, '', Buffer.alloc(streamWindowBytes))
    await sleep(50)
    expect(channel.isClosed, 'the window may be used up').toBe(false)
    send(FrameType.chunk, 1, '', Buffer.alloc(1))
    await channel.closed
    expect(watched.endings).toEqual([{ frame: null, status: 200 }])
  })
})

describe('a worker that sends without end', () => {
  const empty = Buffer.concat(encodeFrame(FrameType.log, 1, ''))
  const floods: [string, Buffer, RegExp][] = [
    ['frames of a type that is unknown', Buffer.concat(encodeFrame(99 as FrameType, 1, '')), /mean nothing/],
    ['frames about the worker that nobody waits for', Buffer.concat(encodeFrame(FrameType.hello, 0, '{}')), /nothing/],
    ['answers of calls that are over', Buffer.concat(encodeFrame(FrameType.result, 77, '{}')), /mean nothing/],
    ['empty logs', empty, /mean nothing/],
    ['empty chunks', Buffer.concat(encodeFrame(FrameType.chunk, 1, '')), /mean nothing/],
    ['heads', Buffer.concat(encodeFrame(FrameType.head, 1, '{}')), /mean nothing/],
  ]
  test.each(floods)('is cut off: %s', async (_what, frame, problem) => {
    const { channel, worker } = await connected()
    const { watched } = watch(channel, { head() {}, write: () => true, drained: async () => {} })
    const flood = Buffer.concat(Array.from({ length: 200 }, () => frame))
    while (!channel.isClosed) {
      worker.write(flood)
      await sleep(1)
    }
    expect(channel.brokenBy).toMatch(problem)
    expect(watched.endings).toHaveLength(1)
  })

  test('does not keep the others from being read, and is read on', async () => {
    const [loud, quiet] = [await connected(), await connected()]
    const printed = { bytes: 0 }
    const onLog = (_: string, text: string) => {
      printed.bytes += text.length
    }
    loud.channel.call('{}', Buffer.alloc(0), { ...deaf, onLog })
    const flood = Buffer.concat(
      Array.from({ length: 20_000 }, () => Buffer.concat(encodeFrame(FrameType.log, 1, '', Buffer.from('x')))),
    )
    const { watched } = watch(quiet.channel)
    loud.worker.write(flood)
    quiet.send(FrameType.result, 1, {})
    await watched.ended
    expect(printed.bytes, 'read when the other was answered').toBeLessThan(5000)
    await loud.until(() => printed.bytes === 20_000)
  })

  test('has its chunks of one byte, which nobody reads, held as bytes', async () => {
    const { channel, send, until, worker } = await connected()
    const sink: StreamSink = { head() {}, write: () => false, drained: () => new Promise(() => {}) }
    watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    await sleep(20)
    collectGarbage()
    const before = process.memoryUsage()
    const piece = Buffer.concat(
      Array.from({ length: 10_000 }, () => Buffer.concat(encodeFrame(FrameType.chunk, 1, '', Buffer.alloc(1)))),
    )
    for (let n = 0; n < 30; n++) await new Promise((resolve) => worker.write(piece, resolve))
    await until(() => worker.writableLength === 0)
    await sleep(50)
    collectGarbage()
    const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers
    expect(grown).toBeLessThan(3 * 1024 * 1024)
    expect(channel.isClosed).toBe(false)
  })

  test('gets no credit beyond what is on its way when it reads nothing', async () => {
    const { channel, worker, send } = await connected()
    worker.pause()
    const sink: StreamSink = { head() {}, write: () => true, drained: async () => {} }
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    const chunk = Buffer.concat(encodeFrame(FrameType.chunk, 1, '', Buffer.alloc(lumpBytes)))
    for (let n = 0; n < 200 && !channel.isClosed; n++) await new Promise((resolve) => worker.write(chunk, resolve))
    expect(watched.endings.length, 'the kernel holds what is on its way, we nothing').toBeLessThan(2)
  })

  test.each([
    ['a meta with 400,000 keys', `{${Array.from({ length: 400_000 }, (_, n) => `"${n}":1`).join(',')}}`],
    ['a head with 100,000 headers', `{"headers":[${Array.from({ length: 100_000 }, () => '["a","b"]').join(',')}]}`],
    ['a meta of 2 MiB', `{"a":"${'x'.repeat(2 * 1024 * 1024)}"}`],
  ])('is cut off for %s', async (_what, meta) => {
    const { channel, worker } = await connected()
    watch(channel)
    worker.write(Buffer.concat(encodeFrame(FrameType.head, 1, meta)))
    await channel.closed
    expect(channel.brokenBy).toMatch(/meta|longer/)
  })

  test('a part of a long frame is cut off when its rest does not come', async () => {
    const clock = new FakeClock()
    const { channel, worker, until } = await connected(clock)
    watch(channel)
    worker.write(Buffer.concat(encodeFrame(FrameType.result, 1, '', Buffer.alloc(1024 * 1024))).subarray(0, 500_000))
    await until(() => clock.armed === 1)
    await clock.advance(31_000)
    await channel.closed
    expect(channel.brokenBy).toMatch(/not complete/)
    expect(clock.armed).toBe(0)
  })

  test.each([
    ['a long frame of a call that is not there', FrameType.result, 9],
    ['a long log', FrameType.log, 1],
    ['a long frame about itself', FrameType.bound, 0],
  ])('%s is cut off before it is there', async (_what, type, call) => {
    const { channel, worker } = await connected()
    watch(channel)
    worker.write(Buffer.concat(encodeFrame(type, call, '', Buffer.alloc(8 * 1024 * 1024))).subarray(0, 1000))
    await channel.closed
    expect(channel.brokenBy).toMatch(/longer than/)
  })
})

describe('frames that concern no call', () => {
  test('are dropped when the call is unknown or over', async () => {
    const { channel, send, until } = await connected()
    const { watched, number } = watch(channel)
    send(FrameType.log, number + 1, '', Buffer.from('for nobody'))
    send(FrameType.result, number + 1, { value: 'json' })
    send(FrameType.result, number, { value: 'json' }, Buffer.from('1'))
    send(FrameType.log, number, '', Buffer.from('too late'))
    send(FrameType.result, number, { value: 'json' }, Buffer.from('2'))
    await until(() => watched.endings.length > 0)
    await sleep(20)
    expect(watched.endings).toHaveLength(1)
    expect(watched.endings[0]?.frame?.body.toString()).toBe('1')
    expect(watched.logs).toEqual([])
    expect(channel.isClosed).toBe(false)
  })

  test('are dropped when their type is unknown', async () => {
    const { channel, send } = await connected()
    const { watched } = watch(channel)
    send(99, 1)
    send(99, 0)
    send(FrameType.result, 1, { value: 'json' })
    expect(await watched.ended).toMatchObject({ type: FrameType.result })
  })

  test('about the worker go to who waits for them, its prints too', async () => {
    const { channel, send } = await connected()
    const printed: string[] = []
    const answer = channel.workerFrame((text) => printed.push(text))
    send(FrameType.log, 0, '', Buffer.from('loading'))
    send(FrameType.result, 0, { value: 'json' })
    send(99, 0)
    send(FrameType.bound, 0, { load_ms: 3 })
    expect(await answer).toMatchObject({ type: FrameType.bound })
    expect(printed).toEqual(['loading'])
  })

  test('about the worker that nobody waits for are dropped', async () => {
    const { channel, send } = await connected()
    send(FrameType.bound, 0, {})
    send(FrameType.log, 0, '', Buffer.from('in the background'))
    const { watched } = watch(channel)
    send(FrameType.result, 1, {})
    await watched.ended
    expect(channel.isClosed).toBe(false)
  })
})

describe('calls', () => {
  test('one that begins when the connection is closed ends at once', async () => {
    const { channel } = await connected()
    channel.close()
    const { watched } = watch(channel)
    expect(watched.endings).toEqual([{ frame: null, status: undefined }])
  })

  test('one that is longer than a frame may be is refused, and the connection stays', async () => {
    const { channel, send } = await connected()
    const pending = { ...deaf }
    expect(() => channel.call('{}', Buffer.alloc(maxFrameBytes), pending)).toThrow(ProtocolError)
    const { watched, number } = watch(channel)
    send(FrameType.result, number, {})
    await watched.ended
  })

  test('all end without an answer when the worker goes away', async () => {
    const { channel, worker } = await connected()
    const calls = [watch(channel), watch(channel), watch(channel)]
    worker.destroy()
    await channel.closed
    for (const { watched } of calls) expect(watched.endings).toEqual([{ frame: null, status: undefined }])
  })

  test('many at once each get their own answer, in whatever order the answers come', async () => {
    const { channel, received, send, until } = await connected()
    const calls = Array.from({ length: 1000 }, () => watch(channel))
    await until(() => received.length === 1000)
    for (const { call } of [...received].reverse()) {
      send(FrameType.log, call, '', Buffer.from(`log ${call}`))
      send(FrameType.result, call, { value: 'json' }, Buffer.from(String(call)))
    }
    await Promise.all(calls.map(({ watched }) => watched.ended))
    for (const { watched, number } of calls) {
      expect(watched.endings[0]?.frame?.body.toString()).toBe(String(number))
      expect(watched.logs).toEqual([`stdout: log ${number}`])
    }
  })

  test('that the worker has not read yet stay as they were, whatever is sent later and to others', async () => {
    const [slow, other] = [await connected(), await connected()]
    slow.worker.pause()
    const inputOf = (n: number) => Buffer.alloc(n % 3 === 0 ? 70_000 : 3000, n)
    for (let n = 1; n <= 120; n++) {
      slow.channel.call(`{"n":${n}}`, inputOf(n), deaf)
      other.channel.call(`{"other":"ü${n}"}`, inputOf(255), deaf)
      if (n % 4 === 0) await new Promise(setImmediate)
    }
    slow.worker.resume()
    await slow.until(() => slow.received.length === 120)
    await other.until(() => other.received.length === 120)
    for (const [at, { call, meta, body }] of slow.received.entries()) {
      expect({ call, meta }).toEqual({ call: at + 1, meta: `{"n":${at + 1}}` })
      expect(body.equals(inputOf(at + 1))).toBe(true)
    }
    expect(other.received.map(({ meta }) => meta)).toEqual(slow.received.map((_, at) => `{"other":"ü${at + 1}"}`))
  })

  test('one is sent with its meta and its input as they are', async () => {
    const { channel, received, until } = await connected()
    const body = Buffer.from(Array.from({ length: 10_000 }, (_, n) => n % 256))
    channel.call('{"execution_id":"e1"}', body, { ...deaf })
    await until(() => received.length === 1)
    expect(received[0]).toMatchObject({ type: FrameType.call, call: 1, meta: '{"execution_id":"e1"}' })
    expect(received[0]?.body.equals(body)).toBe(true)
  })

  test('one that nobody waits for any more is cancelled at the worker, and still ends as usual', async () => {
    const { channel, received, send, until } = await connected()
    const { watched, number } = watch(channel)
    channel.cancel(number)
    await until(() => received.length === 2)
    expect(received[1]).toMatchObject({ type: FrameType.cancel, call: number })
    send(FrameType.result, number, {})
    expect(await watched.ended).toMatchObject({ type: FrameType.result })
  })

  test('one that is over cannot be cancelled', async () => {
    const { channel, received, send } = await connected()
    const { watched, number } = watch(channel)
    send(FrameType.result, number, {})
    await watched.ended
    channel.cancel(number)
    await sleep(20)
    expect(received.map(({ type }) => type)).toEqual([FrameType.call])
  })

  test('one that was forgotten hears nothing more', async () => {
    const { channel, send, until } = await connected()
    const [late, other] = [watch(channel), watch(channel)]
    channel.forget(late.number)
    send(FrameType.log, late.number, '', Buffer.from('x'))
    send(FrameType.result, late.number, {})
    send(FrameType.result, other.number, {})
    await until(() => other.watched.endings.length === 1)
    expect([late.watched.endings, late.watched.logs]).toEqual([[], []])
  })

  test('prints are distinguished by stream', async () => {
    const { channel, send } = await connected()
    const { watched } = watch(channel)
    send(FrameType.log, 1, '', Buffer.from('plain'))
    send(FrameType.log, 1, { stream: 'stderr' }, Buffer.from('grüß 😀'))
    send(FrameType.log, 1, { stream: { not: 'a stream' } }, Buffer.from('odd'))
    send(FrameType.result, 1, {})
    await watched.ended
    expect(watched.logs).toEqual(['stdout: plain', 'stderr: grüß 😀', 'stdout: odd'])
  })
})

describe('streamed answers', () => {
  /** Takes nothing until the test lets it. */
  class SlowSink implements StreamSink {
    readonly heads: object[] = []
    readonly chunks: Buffer[] = []
    isFull = true
    #waiting: (() => void)[] = []
    head(head: object): void {
      this.heads.push(head)
    }
    write(chunk: Buffer): boolean {
      this.chunks.push(Buffer.from(chunk))
      return !this.isFull
    }
    drained(): Promise<void> {
      return new Promise((resolve) => this.#waiting.push(resolve))
    }
    drain(): void {
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  test('reach the sink: the head once, then every chunk, then the end with the status', async () => {
    const { channel, send } = await connected()
    const sink = new SlowSink()
    sink.isFull = false
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 201, headers: [['a', 'b']] })
    send(FrameType.head, 1, { status: 500, headers: [] })
    for (const text of ['one', 'two', 'three']) send(FrameType.chunk, 1, '', Buffer.from(text))
    send(FrameType.end, 1, { run_ms: 1 })
    await watched.ended
    expect(sink.heads).toEqual([{ status: 201, headers: [['a', 'b']] }])
    expect(Buffer.concat(sink.chunks).toString()).toBe('onetwothree')
    expect(watched.endings[0]?.status).toBe(201)
  })

  test('are given credit for what the sink took, in lumps of a quarter of the window', async () => {
    const { channel, received, send, until } = await connected()
    const sink = new SlowSink()
    sink.isFull = false
    watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    send(FrameType.chunk, 1, '', Buffer.alloc(lumpBytes - 1))
    await until(() => sink.chunks.length === 1)
    await sleep(20)
    expect(received).toHaveLength(1)
    send(FrameType.chunk, 1, '', Buffer.alloc(1))
    await until(() => received.length === 2)
    expect(received[1]).toMatchObject({ type: FrameType.credit, call: 1 })
    expect(parseMeta(received[1] as Frame)).toEqual({ bytes: lumpBytes })
  })

  test('are given no credit before a full sink has drained, and what came meanwhile reaches it as one piece', async () => {
    const { channel, received, send, until } = await connected()
    const sink = new SlowSink()
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    send(FrameType.chunk, 1, '', Buffer.alloc(lumpBytes))
    for (let n = 0; n < 1000; n++) send(FrameType.chunk, 1, '', Buffer.from([n % 256]))
    await until(() => sink.chunks.length === 1)
    await sleep(50)
    expect([received.length, sink.chunks.length]).toEqual([1, 1])
    sink.isFull = false
    sink.drain()
    await until(() => received.length === 2)
    expect(parseMeta(received[1] as Frame)).toEqual({ bytes: lumpBytes })
    expect(sink.chunks).toHaveLength(2)
    expect(sink.chunks[1]).toEqual(Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 256)))
    send(FrameType.end, 1, {})
    await watched.ended
  })

  test('that end while the sink is full bring it what was held back before their end', async () => {
    const { channel, send } = await connected()
    const sink = new SlowSink()
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    for (const text of ['one', 'two', 'three']) send(FrameType.chunk, 1, '', Buffer.from(text))
    send(FrameType.end, 1, {})
    await watched.ended
    expect(sink.chunks.map(String)).toEqual(['one', 'twothree'])
    sink.drain()
    await sleep(20)
    expect(sink.chunks).toHaveLength(2)
  })

  test('may be as long as they like, as long as the credit is kept to', async () => {
    const { channel, received, send, until } = await connected()
    const sink = new SlowSink()
    sink.isFull = false
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 200, headers: [] })
    const credit = () => received.slice(1).reduce((sum, frame) => sum + Number(parseMeta(frame).bytes), 0)
    for (let n = 1; n <= 8; n++) {
      send(FrameType.chunk, 1, '', Buffer.alloc(streamWindowBytes))
      await until(() => credit() === n * streamWindowBytes)
    }
    send(FrameType.end, 1, {})
    expect(await watched.ended).toMatchObject({ type: FrameType.end })
  })

  test('that end without the rest tell the status that had been sent', async () => {
    const { channel, worker, send, until } = await connected()
    const sink = new SlowSink()
    const { watched } = watch(channel, sink)
    send(FrameType.head, 1, { status: 206, headers: [] })
    await until(() => sink.heads.length === 1)
    worker.destroy()
    await channel.closed
    expect(watched.endings).toEqual([{ frame: null, status: 206 }])
  })

  test('chunks before a head, or for a call without a sink, are dropped', async () => {
    const { channel, send } = await connected()
    const sink = new SlowSink()
    const [first, second] = [watch(channel, sink), watch(channel)]
    send(FrameType.chunk, first.number, '', Buffer.from('early'))
    send(FrameType.head, second.number, { status: 200, headers: [] })
    send(FrameType.chunk, second.number, '', Buffer.from('nobody listens'))
    send(FrameType.result, first.number, {})
    send(FrameType.end, second.number, {})
    await Promise.all([first.watched.ended, second.watched.ended])
    expect(sink.chunks).toEqual([])
  })
})

describe('the head of an answer is made safe to send on', () => {
  const nothing = { status: 502, headers: [] }
  const rows: [string, unknown, object][] = [
    ['a status that is missing', {}, nothing],
    ['a status that is text', { status: '200' }, nothing],
    ['a status that has a valueOf', { status: { valueOf: 1, toString: 1 } }, nothing],
    ['a status of the connection', { status: 101 }, nothing],
    ['a status beyond the last', { status: 600 }, nothing],
    ['a status that is a fraction', { status: 200.5 }, nothing],
    ['headers that are no list', { status: 200, headers: { a: 'b' } }, { status: 200, headers: [] }],
    ['headers that are no pairs', { status: 200, headers: ['ab', null, ['a'], [1, 2]] }, { status: 200, headers: [] }],
    ['a name with a space', { status: 200, headers: [['a b', 'c']] }, { status: 200, headers: [] }],
    ['an empty name', { status: 200, headers: [['', 'c']] }, { status: 200, headers: [] }],
    ['a value with a line break', { status: 200, headers: [['a', 'b\r\nc: d']] }, { status: 200, headers: [] }],
    ['a value with a null', { status: 200, headers: [['a', 'b\0']] }, { status: 200, headers: [] }],
    ['a value that no byte can hold', { status: 200, headers: [['a', '汉']] }, { status: 200, headers: [] }],
  ]
  test.each(rows)('without %s', (_what, meta, head) => {
    expect(headOf(meta as Record<string, unknown>)).toEqual(head)
  })

  test('with what is allowed, as it is', () => {
    const headers = [
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-latin', 'gr\u00fc\u00df'],
      ['x-tab', 'a\tb'],
      ['x-empty', ''],
    ]
    expect(headOf({ status: 599, headers })).toEqual({ status: 599, headers })
  })
})

describe('What is written to a descriptor of the worker', () => {
  const pipes: Socket[] = []
  const printed = ({ logs }: Watched) => logs.map((line) => line.replace('stdout: ', '')).join('')
  afterEach(() => {
    for (const pipe of pipes.splice(0)) pipe.destroy()
  })

  async function withStdout() {
    const outside: string[] = []
    const { server, worker } = await socketPair()
    const channel = new Channel(server, undefined, (stream, text) => void outside.push(`${stream}: ${text}`))
    opened.push(channel)
    const stdout = await socketPair()
    pipes.push(stdout.server)
    for (const socket of [worker, stdout.worker]) socket.resume()
    channel.descriptor('stdout', stdout.server)
    const send = (type: FrameType, call: number, meta = '', body = Buffer.alloc(0)) =>
      void worker.write(Buffer.concat(encodeFrame(type, call, meta, body)))
    return { channel, worker, outside, send, print: (text: string) => void stdout.worker.write(text) }
  }

  test('belongs to the call that is under way, also when the frame that ends it is read first', async () => {
    const { channel, send, print, outside } = await withStdout()
    const { watched } = watch(channel)
    send(FrameType.log, 1, '', Buffer.from('by the shim '))
    print('x'.repeat(150_000))
    send(FrameType.result, 1)
    expect(await watched.ended).toMatchObject({ type: FrameType.result })
    expect(printed(watched)).toBe(`by the shim ${'x'.repeat(150_000)}`)
    expect(outside).toEqual([])
  })

  test('belongs to none of several calls, and after the last one to the worker', async () => {
    const { channel, send, print, outside } = await withStdout()
    const [one, two] = [watch(channel).watched, watch(channel).watched]
    print('whose? ')
    await expect.poll(() => outside).toEqual(['stdout: whose? '])
    send(FrameType.result, 1)
    send(FrameType.result, 2)
    await Promise.all([one.ended, two.ended])
    print('late')
    await expect.poll(() => outside).toEqual(['stdout: whose? ', 'stdout: late'])
    expect([...one.logs, ...two.logs]).toEqual([])
  })

  test('is reported before the call ends with the worker', async () => {
    const { channel, worker, print } = await withStdout()
    const { watched } = watch(channel)
    print('FATAL ERROR')
    worker.destroy()
    expect(await watched.ended).toBe(null)
    expect(watched.logs.join('')).toContain('FATAL ERROR')
  })

  test('is not mistaken for an end that never came: an answer that waits for it stays an answer', async () => {
    const { channel, send, worker } = await withStdout()
    const { watched } = watch(channel)
    send(FrameType.log, 1, '', Buffer.from('printed'))
    send(FrameType.result, 1)
    worker.end()
    expect(await watched.ended).toMatchObject({ type: FrameType.result })
  })
})
