import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface FakeContainer {
  id: string
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: as it was asked for
  options: any
  state: 'created' | 'running' | 'ended'
  exitCode: number
  output: ServerResponse | null
}

type Refusal = { status: number; message: string }

/** As much of the Docker API as the engine uses, on a Unix socket: it says no, breaks off and keeps silent as a test likes. */
export class FakeDocker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'taibai-fake-docker-'))
  readonly #server: Server
  readonly #followers = new Set<ServerResponse>()
  readonly containers = new Map<string, FakeContainer>()
  /** What was asked, as `POST /containers/1/start`. */
  readonly asked: string[] = []
  /** Prepared unusual responses, by request with `*` for an id, and how often each is given. */
  readonly refusals = new Map<string, Refusal & { times: number }>()
  readonly networks: { Name: string; Options?: Record<string, string> }[] = []
  readonly images = new Set(['taibai/nodejs'])
  /** Called when a container starts: what it does. */
  onStart: (container: FakeContainer) => void = () => {}
  #lastId = 0

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async listen(): Promise<FakeDocker> {
    const docker = new FakeDocker()
    await once(docker.#server.listen(join(docker.#folder, 'docker.sock')), 'listening')
    return docker
  }

  get host(): string {
    return `unix://${join(this.#folder, 'docker.sock')}`
  }

  /** The number of coming requests that are refused. */
  refuse(question: string, status: number, message: string, times = Number.POSITIVE_INFINITY): void {
    this.refusals.set(question, { status, message, times })
  }

  get only(): FakeContainer {
    const [container, more] = [...this.containers.values()]
    if (container === undefined || more !== undefined) throw new Error(`there are ${this.containers.size} containers`)
    return container
  }

  /** Its process ends; it removes itself unless `stays`. */
  end(container: FakeContainer, exitCode: number, options: { stays?: boolean; silently?: boolean } = {}): void {
    container.state = 'ended'
    container.exitCode = exitCode
    container.output?.end()
    if (!options.silently) this.tell('die', container, { exitCode: String(exitCode) })
    if (!options.stays) this.remove(container, options.silently)
  }

  remove(container: FakeContainer, silently = false): void {
    this.containers.delete(container.id)
    if (!silently) this.tell('destroy', container)
  }

  tell(Action: string, { id }: { id: string }, Attributes: Record<string, string> = {}): void {
    for (const follower of this.#followers) {
      follower.write(`${JSON.stringify({ Type: 'container', Action, Actor: { ID: id, Attributes } })}\n`)
    }
  }

  /** Who follows the events. */
  get followers(): number {
    return this.#followers.size
  }

  breakEvents(): void {
    for (const follower of this.#followers) follower.destroy()
  }

  /** As the engine sends what a container prints: both streams in one. */
  print(container: FakeContainer, stream: 'stdout' | 'stderr', text: string): void {
    const body = Buffer.from(text)
    const head = Buffer.alloc(8)
    head[0] = stream === 'stdout' ? 1 : 2
    head.writeUInt32BE(body.length, 4)
    container.output?.write(Buffer.concat([head, body]))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const url = new URL(request.url ?? '', 'http://docker')
    const path = url.pathname.replace(/^\/v[\d.]+/, '')
    const question = `${request.method} ${path}`
    this.asked.push(question)
    const [, kind = '', id = '', action = ''] = path.split('/')
    const refusal = this.#refusal(question.replace(/\/containers\/(?!create|json)[^/]+/, '/containers/*'))
    const found = this.containers.get(id)
    if (refusal !== null) return reply(response, refusal.status, { message: refusal.message })
    if (question === 'GET /version') return reply(response, 200, { Version: '20.10.0' })
    if (question === 'GET /events') return this.#follow(response)
    if (kind === 'networks') return this.#network(response, request.method, id, body)
    if (kind === 'images') return this.#image(response, decodeURIComponent(path.slice(8, -5)), action)
    if (question === 'POST /containers/create') return this.#create(response, url.searchParams.get('name') ?? '', body)
    if (question === 'GET /containers/json') return this.#list(response)
    if (found === undefined) return reply(response, 404, { message: `No such container: ${id}` })
    this.#order(response, found, request.method === 'DELETE' ? 'remove' : action)
  }

  #refusal(question: string): Refusal | null {
    const refusal = this.refusals.get(question)
    if (refusal === undefined || refusal.times <= 0) return null
    refusal.times--
    return refusal
  }

  #follow(response: ServerResponse): void {
    this.#followers.add(response)
    response.once('close', () => this.#followers.delete(response))
    response.writeHead(200).flushHeaders()
  }

  #network(response: ServerResponse, method: string | undefined, name: string, body: string): void {
    if (method === 'GET') return reply(response, 200, this.networks)
    if (method === 'DELETE') {
      this.networks.splice(0, this.networks.length, ...this.networks.filter(({ Name }) => Name !== name))
      return reply(response, 204)
    }
    this.networks.push(JSON.parse(body))
    reply(response, 201, { Id: 'n1' })
  }

  #image(response: ServerResponse, name: string, action: string): void {
    if (action === 'create') return reply(response, 404, { message: 'pull access denied' })
    if (this.images.has(name)) reply(response, 200, { Id: name, Config: {} })
    else reply(response, 404, { message: `No such image: ${name}` })
  }

  #create(response: ServerResponse, name: string, body: string): void {
    const options = JSON.parse(body)
    if (!this.images.has(options.Image))
      return reply(response, 404, { message: `No such image: ${options.Image}:latest` })
    const id = `c${++this.#lastId}`
    this.containers.set(id, { id, name, options, state: 'created', exitCode: 0, output: null })
    reply(response, 201, { Id: id })
  }

  #list(response: ServerResponse): void {
    const all = [...this.containers.values()]
    reply(
      response,
      200,
      all.map(({ id, options, state }) => ({ Id: id, Labels: options.Labels, State: state })),
    )
  }

  #order(response: ServerResponse, container: FakeContainer, action: string): void {
    const { state, exitCode } = container
    switch (action) {
      case 'start':
        container.state = 'running'
        reply(response, 204)
        return this.onStart(container)
      case 'attach':
        container.output = response
        return void response.writeHead(200).flushHeaders()
      case 'kill':
        if (state !== 'running') return reply(response, 409, { message: 'is not running' })
        reply(response, 204)
        return this.end(container, 137)
      case 'remove':
        reply(response, 204)
        return this.remove(container)
      case 'json':
        return reply(response, 200, {
          State: { Status: state, Running: state === 'running', ExitCode: exitCode, OOMKilled: false },
          NetworkSettings: { Networks: {} },
        })
      default:
        return reply(response, 200, {})
    }
  }
}

function reply(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
