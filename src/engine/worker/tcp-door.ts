import { createHash, timingSafeEqual } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { FrameDecoder, FrameType, ProtocolError, parseMeta } from './protocol.ts'

export const streamNames = ['frames', 'stdout', 'stderr'] as const
export type StreamName = (typeof streamNames)[number]

/** How long who connects may take to say which worker it is. */
const knockMs = 10_000
/** Longest KNOCK, with the little that may come behind it. */
const longestKnock = 512
/** Connections that have not said who they are; for one more, the one that has been silent for longest is closed. */
const mostStrangers = 256

export interface Guest {
  secret: string
  /** Called once for each stream at most; what has come behind the KNOCK is read from the socket. */
  onStream(name: StreamName, socket: Socket): void
}

/**
 * Where workers that share no disk with the server connect. Each connection begins with a KNOCK: which worker, its secret, and
 * which of its three streams this is. Who knows no secret is closed without a word, and so is the second of a stream.
 */
export class TcpDoor {
  #servers: Server[] = []
  #clock: Clock
  #guests = new Map<string, { digest: Buffer; guest: Guest; open: Set<StreamName> }>()
  #strangers = new Set<Socket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The port that it is. Port 0: a free one. */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => this.#receive(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const message = `The server cannot listen for workers on ${host}, port ${port}: ${cause.message}`
        reject(new FaasError('engine_failed', message, { cause }))
      })
      server.listen(port, host, resolve)
    })
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }

  expect(worker: string, guest: Guest): void {
    this.#guests.set(worker, { digest: digestOf(guest.secret), guest, open: new Set() })
  }

  forget(worker: string): void {
    this.#guests.delete(worker)
  }

  /** Nobody gets in any more; who is in stays. */
  close(): void {
    for (const socket of this.#strangers) socket.destroy()
    for (const server of this.#servers) server.close()
  }

  #receive(socket: Socket): void {
    socket.on('error', () => {})
    this.#makePlace()
    this.#strangers.add(socket)
    const stopTimer = this.#clock.after(knockMs, () => socket.destroy())
    let came: Buffer = Buffer.alloc(0)
    const leave = () => {
      stopTimer()
      socket.off('data', take).off('close', leave)
      this.#strangers.delete(socket)
    }
    const take = (chunk: Buffer) => {
      came = Buffer.concat([came, chunk])
      const knock = knockIn(came)
      if (knock === 'more' && came.length <= longestKnock) return
      leave()
      socket.pause()
      if (knock === null || knock === 'more') return void socket.destroy()
      this.#letIn(knock, socket)
    }
    socket.on('data', take).once('close', leave)
  }

  /** A shim knocks at once: functions that connect and say nothing do not keep workers out. */
  #makePlace(): void {
    if (this.#strangers.size < mostStrangers) return
    const [oldest] = this.#strangers
    if (oldest === undefined) return
    this.#strangers.delete(oldest)
    oldest.destroy()
  }

  /** Compared in the same time whether there is such a worker or not. */
  #letIn({ worker, secret, stream, rest }: Knock, socket: Socket): void {
    const expected = this.#guests.get(worker)
    const isRight = timingSafeEqual(digestOf(secret), expected?.digest ?? nobodysDigest)
    if (expected === undefined || !isRight || expected.open.has(stream)) return void socket.destroy()
    expected.open.add(stream)
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
    if (rest.length > 0) socket.unshift(rest)
    expected.guest.onStream(stream, socket)
  }
}

/** A machine that vanishes says nothing. */
const keepAliveMs = 30_000

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const nobodysDigest = Buffer.alloc(32)

interface Knock {
  worker: string
  secret: string
  stream: StreamName
  /** What came behind it. */
  rest: Buffer
}

/** `more`: it is not whole yet; null: it is none. */
export function knockIn(bytes: Buffer): Knock | 'more' | null {
  try {
    const decoder = new FrameDecoder(() => longestKnock)
    if (bytes.length >= 4 && bytes.readUInt32BE(0) > longestKnock) return null
    decoder.add(bytes)
    const frame = decoder.next()
    if (frame === null) return 'more'
    if (frame.type !== FrameType.knock) return null
    const stream = streamNames.find((name) => name === parseMeta(frame).stream)
    const [worker = '', secret = ''] = frame.body.toString('utf8').split(' ')
    const rest = bytes.subarray(bytes.length - decoder.heldBytes)
    return stream === undefined ? null : { worker, secret, stream, rest }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
