import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dockerSocket } from './docker-api.ts'

/** A way to the Docker engine that a test can cut, as if the engine were stopped, and mend again. */
export class DockerLine implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'taibai-line-'))
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor() {
    this.#server = createServer((near) => this.#join(near))
  }

  static async open(): Promise<DockerLine> {
    const line = new DockerLine()
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

  mend(): void {
    this.#isCut = false
  }

  #join(near: Socket): void {
    if (this.#isCut) return void near.destroy()
    const far = connect(dockerSocket)
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
