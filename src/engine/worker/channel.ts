import type { Socket } from 'node:net'
import type { HttpHead } from '../../domain/outcome.ts'
import type { StreamSink } from '../../domain/worker.ts'
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameType,
  ProtocolError,
  parseMeta,
  streamWindowBytes,
} from './protocol.ts'

/** The frame that ends a call, or null: the worker is gone. */
export type Ending = Frame | null

export interface Pending {
  onLog(stream: 'stdout' | 'stderr', text: string): void
  sink?: StreamSink | undefined
  /** Called once; with the status of the streamed answer, if one had begun. */
  end(frame: Ending, streamedStatus: number | undefined): void
  /** Set by the channel when a streamed answer has begun. */
  head: HttpHead | undefined
  /** Bytes of it that came and for which no credit was given yet. */
  unpaidBytes: number
}

/**
 * The connection to one worker: many calls in flight, told apart by number. Trusts nothing that arrives: frames of unknown
 * calls are dropped, a malformed one closes the connection. When it closes, every call ends with null.
 */
export class Channel {
  #socket: Socket
  #decoder = new FrameDecoder()
  #running = new Map<number, Pending>()
  #lastCall = 0
  #outgoing: Buffer[] = []
  #worker: ((frame: Frame) => void) | null = null
  readonly closed: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#endAll()
        resolve()
      })
    })
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** The next frame about the worker itself (hello, bound, bind failed); null when it closes first. */
  workerFrame(onLog: (text: string) => void): Promise<Ending> {
    return new Promise((resolve) => {
      this.#worker = (frame) => {
        if (frame.type === FrameType.log) return onLog(frame.body.toString('utf8'))
        if (!aboutWorker.has(frame.type)) return
        this.#worker = null
        resolve(frame)
      }
      void this.closed.then(() => resolve(null))
    })
  }

  bind(meta: object): void {
    this.#send(encodeFrame(FrameType.bind, 0, JSON.stringify(meta)))
  }

  /** What the calls from here on act with in OpenStack. */
  session(meta: object): void {
    if (!this.#socket.destroyed) this.#send(encodeFrame(FrameType.session, 0, JSON.stringify(meta)))
  }

  /** Sends a call; `pending.end` is called exactly once. Returns the call's number. Throws ProtocolError when it is too long. */
  call(meta: string, body: Buffer, pending: Pending): number {
    const call = this.#nextCall()
    if (this.#socket.destroyed) {
      pending.end(null, undefined)
      return call
    }
    this.#send(encodeFrame(FrameType.call, call, meta, body))
    this.#running.set(call, pending)
    return call
  }

  cancel(call: number): void {
    if (this.#running.has(call)) this.#send(encodeFrame(FrameType.cancel, call, ''))
  }

  /** Nothing that still comes for this call is passed on, and its end is not told. */
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

  /**
   * What is sent in one turn of the event loop leaves in one system call: after all sockets that were readable have been
   * read, not after each of them, as `nextTick` would.
   */
  #send(pieces: Buffer[]): void {
    if (this.#outgoing.length === 0) setImmediate(this.#flush)
    this.#outgoing.push(...pieces)
  }

  #flush = (): void => {
    const pieces = this.#outgoing
    this.#outgoing = []
    if (this.#socket.destroyed) return
    if (pieces.length === 1) this.#socket.write(pieces[0] as Buffer)
    else this.#socket.write(Buffer.concat(pieces))
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#take(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.close()
    }
  }

  #take(frame: Frame): void {
    if (frame.call === 0) return this.#worker?.(frame)
    const running = this.#running.get(frame.call)
    if (running === undefined) return
    switch (frame.type) {
      case FrameType.result:
      case FrameType.failed:
      case FrameType.end:
        this.#running.delete(frame.call)
        return running.end(frame, running.head?.status)
      case FrameType.log:
        return running.onLog(frame.meta === '' ? 'stdout' : streamOf(frame), frame.body.toString('utf8'))
      case FrameType.head:
        return beginStream(running, frame)
      case FrameType.chunk:
        return this.#pass(running, frame)
    }
  }

  /** Hands a chunk on, and asks for more only when the sink has taken it. What was not asked for would fill our memory. */
  #pass(running: Pending, frame: Frame): void {
    if (running.head === undefined || running.sink === undefined) return
    const bytes = frame.body.length
    running.unpaidBytes += bytes
    if (running.unpaidBytes > streamWindowBytes) throw new ProtocolError('a worker sent more than it had credit for')
    const credit = () => {
      running.unpaidBytes -= bytes
      this.#send(encodeFrame(FrameType.credit, frame.call, `{"bytes":${bytes}}`))
    }
    if (running.sink.write(frame.body)) credit()
    else void running.sink.drained().then(credit)
  }

  #endAll(): void {
    const running = [...this.#running.values()]
    this.#running.clear()
    for (const pending of running) pending.end(null, pending.head?.status)
  }
}

const streamOf = (frame: Frame): 'stdout' | 'stderr' => (parseMeta(frame).stream === 'stderr' ? 'stderr' : 'stdout')

const aboutWorker = new Set<number>([FrameType.hello, FrameType.bound, FrameType.bindFailed])

function beginStream(running: Pending, frame: Frame): void {
  if (running.head !== undefined) return
  running.head = headOf(parseMeta(frame))
  running.sink?.head(running.head)
}

/** Status and headers as the worker says them, made safe to send on. */
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
/** What Node.js sends; it throws at anything else. */
const isHeaderValue = /^[\t\x20-\x7e\x80-\xff]*$/
