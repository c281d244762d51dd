import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A proxy for an engine's socket that can be cut, as if the engine were stopped, or blocked, as if it hung, and restored. */
export class EngineProxy implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'taibai-line-'))
  readonly #engine: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Connections that pass data on. */
  readonly #joined = new Set<Socket>()
  #isCut = false
  /** Resolves when the block ends. */
  #held: PromiseWithResolvers<void> | null = null

  private constructor(engine: string) {
    this.#engine = engine
    // Nothing is read before it can be passed on.
    this.#server = createServer({ pauseOnConnect: true }, (near) => void this.#join(near))
  }

  /** `engine`: path of its socket. */
  static async open(engine: string): Promise<EngineProxy> {
    const line = new EngineProxy(engine)
    line.#server.listen(line.path)
    await once(line.#server, 'listening')
    return line
  }

  get path(): string {
    return join(this.#folder, 'docker.sock')
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Accepts connections without responses; requests reach the engine when the block ends. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>()
    for (const socket of this.#joined) socket.pause()
  }

  mend(): void {
    this.#isCut = false
    this.#held?.resolve()
    this.#held = null
    for (const socket of this.#joined) socket.resume()
  }

  async #join(near: Socket): Promise<void> {
    this.#add(near)
    while (this.#held !== null) await this.#held.promise
    if (this.#isCut || near.destroyed) return void near.destroy()
    const far = connect(this.#engine)
    this.#add(far)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    for (const socket of [near, far]) this.#joined.add(socket)
    near.pipe(far).pipe(near)
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#joined.delete(socket)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend()
    this.cut()
    this.#server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
