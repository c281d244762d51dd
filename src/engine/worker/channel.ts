import type { Socket } from 'node:net'
import { type Clock, systemClock } from '../../domain/clock.ts'
import type { StreamSink } from '../../domain/platform/worker.ts'
import { hashOfNumber, InFlight } from '../../domain/runs/in-flight.ts'
import type { HttpHead } from '../../domain/runs/outcome.ts'
import { Descriptors, type OnText } from './descriptors.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import {
  type Frame,
  FrameType,
  maxFrameBytes,
  maxMetaBytes,
  maxUnaskedBytes,
  ProtocolError,
  parseMeta,
} from './protocol.ts'
import { StreamedAnswer } from './streamed-answer.ts'

/** The frame that ends a call; null: the worker is gone. */
export type Ending = Frame | null

export interface PendingCall {
  onLog(stream: 'stdout' | 'stderr', text: string): void
  sink?: StreamSink | undefined
  /** Called exactly once, with the status of the streamed response if one had begun. */
  end(frame: Ending, streamedStatus: number | undefined): void
  /** Set by the channel when a streamed response has begun. */
  answer?: StreamedAnswer | undefined
  /** Set by the channel when the call has printed. */
  hasPrinted?: boolean
  /** Set by the channel when the final frame has arrived before all output of the call. */
  ending?: Frame
}

/** Limit of frames without effect (unknown types, unknown calls) in excess of useful ones; no shim sends as many. */
const maxUselessFrames = 1000

/**
 * The connection to one worker, with many calls in flight that are distinguished by number. It trusts nothing that arrives:
 * frames of unknown calls are dropped, and a malformed frame or more data than was requested closes the connection. On close,
 * every call ends with null.
 */
export class Channel {
  #socket: Socket
  #reader: FrameReader
  #running = new InFlight<number, PendingCall>(hashOfNumber)
  #lastCall = 0
  #writer: FrameWriter
  #worker: ((frame: Frame) => void) | null = null
  #onOutside: OnText
  #descriptors = new Descriptors((stream, text) => this.#print(stream, text))
  #uselessFrames = 0
  #brokenBy: ProtocolError | null = null
  readonly closed: Promise<void>

  /** `onOutside` receives text that is printed outside of calls and loading. */
  constructor(socket: Socket, clock: Clock = systemClock, onOutside: OnText = () => {}) {
    this.#socket = socket
    this.#writer = new FrameWriter(socket)
    this.#onOutside = onOutside
    this.#reader = new FrameReader(socket, {
      clock,
      limitOf: (type, call) => this.#longestFrame(type, call),
      onFrame: (frame) => this.#take(frame),
      onBroken: (error) => this.#endFor(error),
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#reader.finish()
        this.#descriptors.whenRead(() => {
          this.#endAll()
          resolve()
        })
      })
    })
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** The worker's protocol violation; null: none. */
  get brokenBy(): string | null {
    return this.#brokenBy?.message ?? null
  }

  /** Attributes what the worker writes to this descriptor to the running call, if there is exactly one. */
  descriptor(stream: 'stdout' | 'stderr', socket: Socket): void {
    this.#descriptors.add(stream, socket)
  }

  /** The next frame about the worker itself (hello, bound, bind failed); null when the connection closes first. */
  workerFrame(onLog: (text: string) => void): Promise<Ending> {
    return new Promise((resolve) => {
      this.#worker = (frame) => {
        if (frame.type === FrameType.log) return onLog(frame.body.toString('utf8'))
        this.#worker = null
        resolve(frame)
      }
      void this.closed.then(() => resolve(null))
    })
  }

  bind(meta: object): void {
    this.#writer.add(FrameType.bind, 0, JSON.stringify(meta))
  }

  /** Sends a piece of the worker's code. Resolves when it has been written, or the connection is closed. */
  code(meta: object, body: Buffer): Promise<unknown> {
    if (this.#socket.destroyed) return this.closed
    const sent = new Promise<void>((resolve) => this.#writer.onWritten(resolve))
    this.#writer.add(FrameType.code, 0, JSON.stringify(meta), body)
    return Promise.race([sent, this.closed])
  }

  /** Sets the OpenStack session of later calls. */
  session(meta: object): void {
    if (!this.#socket.destroyed) this.#writer.add(FrameType.session, 0, JSON.stringify(meta))
  }

  /**
   * Sends a call and returns its number; `pending.end` is called exactly once. Throws ProtocolError when the call is too long.
   */
  call(meta: string, body: Buffer, pending: PendingCall): number {
    const call = this.#nextCall()
    if (this.#socket.destroyed) {
      pending.end(null, undefined)
      return call
    }
    this.#writer.add(FrameType.call, call, meta, body)
    this.#running.set(call, pending)
    return call
  }

  cancel(call: number): void {
    if (this.#running.has(call)) this.#writer.add(FrameType.cancel, call, '')
  }

  /** Drops everything that still arrives for this call; its `end` is not called. */
  forget(call: number): void {
    this.#running.delete(call)
  }

  close(): void {
    this.#socket.destroy()
  }

  #nextCall(): number {
    this.#lastCall = this.#lastCall === 0xffff_ffff ? 1 : this.#lastCall + 1
    return this.#lastCall
  }

  #longestFrame(type: number, call: number): number {
    const isEnd = type === FrameType.result || type === FrameType.failed
    return isEnd && this.#running.has(call) ? maxFrameBytes : maxMetaBytes + maxUnaskedBytes
  }

  #endFor(error: ProtocolError): void {
    this.#brokenBy ??= error
    this.close()
  }

  /**
   * Counts frames that have no recipient: an unknown type, an unknown call, an empty frame. A few are normal, from a newer shim
   * or for a call that has ended.
   */
  #countUseless(): void {
    if (++this.#uselessFrames > maxUselessFrames) {
      throw new ProtocolError(`a worker sent more than ${maxUselessFrames} frames that mean nothing`)
    }
  }

  #take(frame: Frame): void {
    if (frame.type === FrameType.log) return this.#takeLog(frame)
    if (frame.call === 0) return this.#takeOfWorker(frame)
    const running = this.#running.get(frame.call)
    if (running === undefined) return this.#countUseless()
    switch (frame.type) {
      case FrameType.result:
      case FrameType.failed:
      case FrameType.end:
        this.#uselessFrames = 0
        return this.#end(frame, running)
      case FrameType.head:
        return this.#beginStream(running, frame)
      case FrameType.chunk:
        if (frame.body.length > 0 && running.answer !== undefined) return running.answer.write(frame.body)
    }
    this.#countUseless()
  }

  #takeLog(frame: Frame): void {
    if (frame.meta.length > maxLogMeta) throw new ProtocolError('the meta of a log is too long')
    const stream = frame.meta === '' ? 'stdout' : streamOf(frame)
    if (frame.body.length === 0) return this.#countUseless()
    if (frame.call === 0 && this.#worker !== null) return this.#worker(frame)
    if (frame.call === 0) return this.#onOutside(stream, frame.body.toString('utf8'))
    const running = this.#running.get(frame.call)
    if (running === undefined) return
    running.hasPrinted = true
    running.onLog(stream, frame.body.toString('utf8'))
  }

  /** Text from a process of the worker that does not name a call. */
  #print(stream: 'stdout' | 'stderr', text: string): void {
    const [running] = this.#running.values()
    if (running !== undefined && this.#running.size === 1) running.onLog(stream, text)
    else if (this.#worker !== null) this.#worker(logFrame(stream, text))
    else this.#onOutside(stream, text)
  }

  #takeOfWorker(frame: Frame): void {
    if (this.#worker === null || !aboutWorker.has(frame.type)) return this.#countUseless()
    this.#descriptors.whenRead(() => this.#worker?.(frame))
  }

  #end(frame: Frame, running: PendingCall): void {
    if (running.ending !== undefined) return this.#countUseless()
    const mayBeBehind = this.#running.size === 1 && (this.#descriptors.areUsed || running.hasPrinted === true)
    if (!mayBeBehind) return this.#endNow(frame, running)
    running.ending = frame
    this.#descriptors.whenRead(() => this.#endNow(frame, running))
  }

  #endNow(frame: Frame, running: PendingCall): void {
    if (this.#running.get(frame.call) !== running) return
    this.#running.delete(frame.call)
    end(running, frame)
  }

  #beginStream(running: PendingCall, frame: Frame): void {
    if (running.answer !== undefined) return this.#countUseless()
    const pay = (bytes: number, onRead: () => void) => {
      this.#writer.onWritten(onRead)
      this.#writer.add(FrameType.credit, frame.call, `{"bytes":${bytes}}`)
    }
    running.answer = new StreamedAnswer(headOf(parseMeta(frame)), running.sink ?? nobody, pay)
  }

  #endAll(): void {
    const running = this.#running.values()
    this.#running.clear()
    for (const pending of running) end(pending, pending.ending ?? null)
  }
}

/** The meta of LOG names the stream only. */
const maxLogMeta = 256

function end(pending: PendingCall, frame: Ending): void {
  pending.answer?.end()
  pending.end(frame, pending.answer?.head.status)
}

const logFrame = (stream: string, text: string): Frame => ({
  type: FrameType.log,
  call: 0,
  meta: stream === 'stdout' ? '' : '{"stream":"stderr"}',
  body: Buffer.from(text),
})

/** Discards a response that nobody reads. */
const nobody: StreamSink = { head() {}, write: () => true, drained: async () => {} }

const streamOf = (frame: Frame): 'stdout' | 'stderr' => (parseMeta(frame).stream === 'stderr' ? 'stderr' : 'stdout')

const aboutWorker = new Set<number>([FrameType.hello, FrameType.bound, FrameType.bindFailed])

/** Status and headers from the worker, made safe to forward. */
export function headOf(meta: Record<string, unknown>): HttpHead {
  const { status } = meta
  const headers = Array.isArray(meta.headers) ? meta.headers.filter(isHeader) : []
  return { status: isStatus(status) ? status : 502, headers }
}

const isStatus = (status: unknown): status is number =>
  typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599

const isHeader = (pair: unknown): pair is [string, string] =>
  Array.isArray(pair) &&
  typeof pair[0] === 'string' &&
  typeof pair[1] === 'string' &&
  isToken.test(pair[0]) &&
  isHeaderValue.test(pair[1])

const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** The characters that Node.js accepts in a header value; it throws for others. */
const isHeaderValue = /^[\t\x20-\x7e\x80-\xff]*$/
