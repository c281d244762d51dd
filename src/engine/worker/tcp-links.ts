import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { SandboxEngine, WorkerCallers } from '../sandbox/sandbox.ts'
import { Bridge } from './bridge.ts'
import type { Channel } from './channel.ts'
import { codePieces, pieceBytes } from './code-pieces.ts'
import type { LinkConnection, WorkerLink, WorkerLinks } from './link.ts'
import { type LinkCertificate, makeLinkCertificate } from './link-certificate.ts'
import { type StreamName, streamNames, WorkerListener } from './tcp-listener.ts'

const newSecret = (): string => randomBytes(32).toString('base64url')

type Inside = Pick<SandboxEngine, 'inside' | 'secretsFolder'>

/** Limit of files that are read at once and of pieces in transit to a worker. */
const piecesAtOnce = 64
const mostUnderWay = 4 * pieceBytes

/**
 * Links over TCP, for engines that do not share the server's disk. A shim opens three connections, for frames and for each
 * descriptor, with a secret of its own; code is sent over the first. Where they are encrypted, a worker is given the server's
 * certificate with its secret, and a process of its own carries to the server what the shim writes.
 */
export class TcpLinks implements WorkerLinks {
  #engine: Inside
  #listener: WorkerListener
  #shown: LinkCertificate | null

  private constructor(engine: Inside, listener: WorkerListener, shown: LinkCertificate | null) {
    this.#engine = engine
    this.#listener = listener
    this.#shown = shown
  }

  /** Listens where the engine's workers can reach the server. */
  static async open(engine: Inside, callers: WorkerCallers, clock: Clock): Promise<TcpLinks> {
    const shown = callers.isEncrypted ? makeLinkCertificate(clock.now()) : null
    const listener = new WorkerListener(clock, shown)
    try {
      const ports: number[] = []
      for (const { host, port } of callers.listenOn) ports.push(await listener.listen(host, port))
      await callers.listening(ports)
      return new TcpLinks(engine, listener, shown)
    } catch (error) {
      listener.close()
      throw error
    }
  }

  async make(worker: string): Promise<TcpLink> {
    return new TcpLink(this.#listener, worker, { secret: newSecret(), shown: this.#shown }, this.#engine)
  }

  bridge(helper: string): Bridge {
    const secret = newSecret()
    const bridge = new Bridge(keyOf(helper, { secret, shown: this.#shown }), () => this.#listener.forget(helper))
    this.#listener.expect(helper, { secret, onBridge: (socket) => bridge.take(socket) })
    return bridge
  }

  /** Code is sent when it is needed. */
  prepare(): void {}

  async close(): Promise<void> {
    this.#listener.close()
  }
}

/** That of the worker, and that of the server, with which the worker speaks TLS. */
interface Proofs {
  secret: string
  shown: LinkCertificate | null
}

const keyOf = (worker: string, { secret, shown }: Proofs): string =>
  [`${worker} ${secret}`, ...(shown ? [shown.certificate] : [])].join('\n')

class TcpLink implements WorkerLink {
  readonly given: { folder: null; env: Record<string, string>; key: string }
  readonly secretsFolder: string
  readonly codeIsMemory = true
  #listener: WorkerListener
  #worker: string
  #code: string
  #streams = new Map<StreamName, Socket>()
  #whole = Promise.withResolvers<LinkConnection>()

  constructor(listener: WorkerListener, worker: string, { secret, shown }: Proofs, engine: Inside) {
    this.#listener = listener
    this.#worker = worker
    this.#code = `${engine.inside('')}/code`
    this.secretsFolder = engine.secretsFolder('')
    this.given = {
      folder: null,
      env: {},
      key: keyOf(worker, { secret, shown }),
    }
    listener.expect(worker, { secret, onStream: (name, socket) => this.#enter(name, socket) })
  }

  connection(): Promise<LinkConnection> {
    return this.#whole.promise
  }

  async deliverCode(stored: string, channel: Channel): Promise<string> {
    let pieces = 0
    let underWay = 0
    for (const { meta, body } of codePieces(stored, this.#code)) {
      underWay += body.length
      const sent = channel.code(meta, body).then(() => {
        underWay -= body.length
      })
      if (underWay >= mostUnderWay) await sent
      else if (++pieces % piecesAtOnce === 0) await nextTurn()
      if (channel.isClosed) throw new FaasError('engine_failed', 'The worker went away while its code was sent.')
    }
    return this.#code
  }

  async remove(): Promise<void> {
    this.#listener.forget(this.#worker)
    for (const socket of this.#streams.values()) socket.destroy()
  }

  #enter(name: StreamName, socket: Socket): void {
    this.#streams.set(name, socket)
    const [frames, stdout, stderr] = streamNames.map((each) => this.#streams.get(each))
    if (frames === undefined || stdout === undefined || stderr === undefined) return
    this.#listener.forget(this.#worker)
    this.#whole.resolve({ frames, stdout, stderr })
  }
}
