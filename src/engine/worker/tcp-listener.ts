import { createHash, timingSafeEqual } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { LinkCertificate } from './link-certificate.ts'
import { FrameDecoder, FrameType, ProtocolError, parseMeta } from './protocol.ts'

export const streamNames = ['frames', 'stdout', 'stderr'] as const
export type StreamName = (typeof streamNames)[number]
/** Stream of a bridge, which opens as many connections as it needs. */
const bridgeStream = 'bridge'

/** Longest time for a new connection to send its KNOCK. */
const knockMs = 10_000
/** Longest KNOCK frame, with the few bytes that may follow it. */
const longestKnock = 512
/** Limit of connections without a KNOCK; beyond it, the oldest is closed. */
const mostStrangers = 256

export interface ExpectedWorker {
  secret: string
  /** Called at most once for each stream; data behind the KNOCK is put back into the socket. */
  onStream?(name: StreamName, socket: Socket): void
  /** Called for each connection of a bridge; absent when the worker is not a bridge. */
  onBridge?(socket: Socket): void
}

/**
 * The TCP listener for workers that share no disk with the server. Each connection begins with a KNOCK: the worker's name, its
 * secret, and which of its three streams this is. A wrong secret, or a second connection of a stream, is closed without a
 * response.
 */
export class WorkerListener {
  #servers: Server[] = []
  #clock: Clock
  /** Null: what travels is not encrypted. */
  #secure: SecureContext | null
  #guests = new Map<string, Expected>()
  #strangers = new Set<Socket>()

  /** `shown`: what proves the server to workers; null: nothing, and they speak plainly. */
  constructor(clock: Clock, shown: LinkCertificate | null) {
    this.#clock = clock
    this.#secure = shown && createSecureContext({ cert: shown.certificate, key: shown.privateKey, ...onlyNewest })
  }

  /** Returns the port. Port 0: any free port. */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => this.#receive(this.#secured(socket)))
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

  expect(worker: string, guest: ExpectedWorker): void {
    this.#guests.set(worker, { digest: digestOf(guest.secret), guest, open: new Set() })
  }

  forget(worker: string): void {
    this.#guests.delete(worker)
  }

  /** Accepts no more connections; existing ones stay. */
  close(): void {
    for (const socket of this.#strangers) socket.destroy()
    for (const server of this.#servers) server.close()
  }

  #secured(socket: Socket): Socket {
    if (this.#secure === null) return socket
    const secured = new TLSSocket(socket, { isServer: true, secureContext: this.#secure })
    // Without a server of its module, Node.js keeps such an error to itself and leaves the socket open.
    return secured.once('_tlsError', (error: Error) => secured.destroy(error))
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
      const knock = readKnock(came)
      if (knock === 'more' && came.length <= longestKnock) return
      leave()
      socket.pause()
      if (knock === null || knock === 'more') return void socket.destroy()
      this.#letIn(knock, socket)
    }
    socket.on('data', take).once('close', leave)
  }

  /** A shim sends its KNOCK at once, so silent connections of functions cannot keep workers out. */
  #makePlace(): void {
    if (this.#strangers.size < mostStrangers) return
    const [oldest] = this.#strangers
    if (oldest === undefined) return
    this.#strangers.delete(oldest)
    oldest.destroy()
  }

  /** Takes the same time whether the worker exists or not. */
  #letIn({ worker, secret, stream, rest }: Knock, socket: Socket): void {
    const expected = this.#guests.get(worker)
    const isRight = timingSafeEqual(digestOf(secret), expected?.digest ?? nobodysDigest)
    if (expected === undefined || !isRight || isTooMuch(stream, expected)) return void socket.destroy()
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
    if (rest.length > 0) socket.unshift(rest)
    if (stream === bridgeStream) return expected.guest.onBridge?.(socket)
    expected.open.add(stream)
    expected.guest.onStream?.(stream, socket)
  }
}

/** Both ends are ours. */
const onlyNewest = { minVersion: 'TLSv1.3' } as const
/** A machine that vanishes closes no connection. */
const keepAliveMs = 30_000

interface Expected {
  digest: Buffer
  guest: ExpectedWorker
  open: Set<StreamName>
}

const isTooMuch = (stream: Knock['stream'], { guest, open }: Expected): boolean =>
  stream === bridgeStream ? guest.onBridge === undefined : guest.onStream === undefined || open.has(stream)

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const nobodysDigest = Buffer.alloc(32)

interface Knock {
  worker: string
  secret: string
  stream: StreamName | typeof bridgeStream
  /** Bytes behind the KNOCK. */
  rest: Buffer
}

/** `more`: the KNOCK is incomplete; null: the bytes are not a KNOCK. */
export function readKnock(bytes: Buffer): Knock | 'more' | null {
  try {
    const decoder = new FrameDecoder(() => longestKnock)
    if (bytes.length >= 4 && bytes.readUInt32BE(0) > longestKnock) return null
    decoder.add(bytes)
    const frame = decoder.next()
    if (frame === null) return 'more'
    if (frame.type !== FrameType.knock) return null
    const stream = [...streamNames, bridgeStream].find((name) => name === parseMeta(frame).stream) as Knock['stream']
    const [worker = '', secret = ''] = frame.body.toString('utf8').split(' ')
    const rest = bytes.subarray(bytes.length - decoder.heldBytes)
    return stream === undefined ? null : { worker, secret, stream, rest }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
