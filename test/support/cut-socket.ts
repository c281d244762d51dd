import { rmSync } from 'node:fs'
import { createServer, connect as openConnection, type Server, type Socket } from 'node:net'

/** A Unix socket that leads to another one, until it is cut: an engine that goes away and comes back. */
export class CutSocket implements AsyncDisposable {
  readonly path: string
  readonly #target: string
  #server: Server | null = null
  #open = new Set<Socket>()

  constructor(path: string, target: string) {
    this.path = path
    this.#target = target
  }

  async connect(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (near) => this.#join(near))
    await new Promise<void>((resolve) => server.listen(this.path, resolve))
    this.#server = server
  }

  /** Every connection breaks, and there is nothing to connect to any more. */
  async cut(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const socket of this.#open) socket.destroy()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
    rmSync(this.path, { force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut()
  }

  #join(near: Socket): void {
    const far = openConnection({ path: this.#target, allowHalfOpen: true })
    for (const socket of [near, far]) {
      this.#open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  }
}
