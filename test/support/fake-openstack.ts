import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { silentLog } from '../../src/domain/runs/log.ts'
import { makeOpenStack, type OpenStackSettings } from '../../src/openstack/openstack.ts'
import type { FakeClock } from './fake-clock.ts'

/** The user, project and roles of a token of the fake. */
export interface FakeToken {
  user?: string
  /** Null: for no project. */
  project?: string | null
  roles?: string[]
  /** From its making. */
  seconds?: number
  trust?: string
}

/** Answers a request in its own way, or leaves it to the fake by returning false. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: string) => boolean

/** For tests in which somebody does not answer; others must not fail because the machine is busy. */
export const impatient = { openstackTimeoutMs: 1000 }

export const servicePassword = 'the-service-password'

/** Keystone, Swift and the posting of Zaqar over real HTTP, as far as we ask them; a test says what goes wrong. */
export class FakeOpenStack implements AsyncDisposable {
  readonly #server: Server
  readonly #clock: FakeClock
  readonly tokens = new Map<string, Required<Omit<FakeToken, 'seconds'>> & { expiresAtMs: number }>()
  /** By id; the body that was sent. */
  // biome-ignore lint/suspicious/noExplicitAny: as it was sent
  readonly trusts = new Map<string, any>()
  /** `container/object` → its bytes, and what Swift says of them besides. */
  readonly objects = new Map<string, { bytes: Buffer; headers?: Record<string, string> }>()
  /** As a test can compare it: `GET /v3/auth/tokens`. */
  asked: string[] = []
  /** What was posted to Zaqar, by whom and where. */
  readonly posted: { queue: string; by: string; project: string | null; text: string }[] = []
  misbehave: Misbehaviour = () => false
  url = ''
  #made = 0
  catalog = (): unknown[] => [
    {
      type: 'object-store',
      name: 'swift',
      endpoints: [{ interface: 'public', region: 'One', region_id: 'One', url: `${this.url}/swift` }],
    },
    {
      type: 'messaging',
      name: 'zaqar',
      endpoints: [{ interface: 'public', region: 'One', region_id: 'One', url: `${this.url}/zaqar/` }],
    },
  ]

  private constructor(clock: FakeClock) {
    this.#clock = clock
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(clock: FakeClock): Promise<FakeOpenStack> {
    const fake = new FakeOpenStack(clock)
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    fake.url = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`
    return fake
  }

  /** What the server would make of its settings. */
  connect(settings: Partial<OpenStackSettings> = {}, log = silentLog) {
    const all: OpenStackSettings = {
      keystoneAuthUrl: this.url,
      keystoneUser: 'taibai',
      keystonePassword: servicePassword,
      keystoneProject: 'service',
      keystoneUserDomain: 'Default',
      keystoneProjectDomain: 'Default',
      keystoneCacheSeconds: 30,
      openstackInterface: 'public',
      openstackTimeoutMs: 5000,
      maxSwiftObjectBytes: 100_000,
      ...settings,
    }
    return makeOpenStack(all, this.#clock, log)
  }

  newToken(about: FakeToken = {}): string {
    const token = `token-${++this.#made}-of-${about.user ?? 'demo'}`
    const expiresAtMs = this.#clock.now() + (about.seconds ?? 3600) * 1000
    const { user = 'demo', project = 'red', roles = ['member'], trust = '' } = about
    this.tokens.set(token, { user, project, roles, trust, expiresAtMs })
    return token
  }

  putObject(name: string, bytes: Buffer, headers?: Record<string, string>): void {
    this.objects.set(name, { bytes, headers })
  }

  /** How often that was asked. */
  count(what: string): number {
    return this.asked.filter((request) => request.startsWith(what)).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const path = String(request.url).replace(/\?.*/, '')
    this.asked.push(`${request.method} ${path}`)
    const text = Buffer.concat(pieces).toString()
    if (this.misbehave(request, response, text)) return
    const body = text === '' ? {} : JSON.parse(text)
    if (path.startsWith('/swift/')) return this.#swift(request, response, path.slice('/swift/'.length))
    const asker = this.#valid(request.headers['x-auth-token'])
    const queue = /^\/zaqar\/v2\/queues\/([^/]+)\/messages$/.exec(path)?.[1]
    if (queue !== undefined && asker !== undefined) {
      if (!/^[0-9a-f-]{36}$/.test(String(request.headers['client-id']))) return say(response, 400)
      this.posted.push({ queue, by: asker.user, project: asker.project, text })
      return say(response, 201, { resources: ['/v2/queues/q/messages/1'] })
    }
    if (path === '/v3/auth/tokens' && request.method === 'POST') return this.#logIn(response, body)
    if (asker === undefined) return say(response, 401, { error: { message: 'not authenticated' } })
    if (path === '/v3/auth/tokens') return this.#check(request, response)
    if (path === '/v3/auth/catalog') return say(response, 200, { catalog: this.catalog() })
    if (path === '/v3/OS-TRUST/trusts') return this.#createTrust(response, body, asker.trust)
    if (path.startsWith('/v3/OS-TRUST/trusts/') && request.method === 'DELETE') {
      return say(response, this.trusts.delete(path.slice('/v3/OS-TRUST/trusts/'.length)) ? 204 : 404)
    }
    say(response, 404)
  }

  #valid(token: string | string[] | undefined) {
    const found = this.tokens.get(String(token))
    return found !== undefined && found.expiresAtMs > this.#clock.now() ? found : undefined
  }

  // biome-ignore lint/suspicious/noExplicitAny: as it was sent
  #logIn(response: ServerResponse, { auth }: any): void {
    const { user } = auth.identity.password
    if (user.password !== servicePassword) return say(response, 401, { error: { message: 'wrong password' } })
    const trustId = auth.scope['OS-TRUST:trust']?.id
    const trust = trustId === undefined ? undefined : this.trusts.get(trustId)
    if (trustId !== undefined && trust === undefined) return say(response, 401, { error: { message: 'no such trust' } })
    const token =
      trust === undefined
        ? this.newToken({ user: 'taibai', project: 'service', roles: ['admin'] })
        : this.newToken({ user: trust.trustor_user_id, project: trust.project_id, trust: trustId })
    say(response, 201, this.#described(token), { 'X-Subject-Token': token })
  }

  #check(request: IncomingMessage, response: ServerResponse): void {
    const token = String(request.headers['x-subject-token'])
    if (this.#valid(token) === undefined) return say(response, 404, { error: { message: 'no such token' } })
    const described = this.#described(token)
    delete (described.token as Record<string, unknown>).catalog
    say(response, 200, described)
  }

  // biome-ignore lint/suspicious/noExplicitAny: as it was sent
  #createTrust(response: ServerResponse, { trust }: any, from: string): void {
    if (from !== '') return say(response, 403, { error: { message: 'a trust makes no trust' } })
    const id = `trust-${++this.#made}`
    this.trusts.set(id, trust)
    say(response, 201, { trust: { id, ...trust } })
  }

  #described(token: string): { token: object } {
    const found = this.tokens.get(token)
    if (found === undefined) throw new Error('no such token')
    const { user, project, roles, trust, expiresAtMs } = found
    return {
      token: {
        user: { id: user, name: user },
        expires_at: new Date(expiresAtMs).toISOString(),
        ...(project !== null && {
          project: { id: project, name: project },
          roles: roles.map((name) => ({ id: `id-of-${name}`, name })),
          catalog: this.catalog(),
        }),
        ...(trust !== '' && { 'OS-TRUST:trust': { id: trust } }),
      },
    }
  }

  #swift(request: IncomingMessage, response: ServerResponse, name: string): void {
    if (this.#valid(request.headers['x-auth-token']) === undefined) return say(response, 401)
    const object = this.objects.get(decodeURIComponent(name))
    if (object === undefined) return say(response, 404)
    const etag = createHash('md5').update(object.bytes).digest('hex')
    response.writeHead(200, { ETag: etag, 'Content-Length': String(object.bytes.length), ...object.headers })
    response.end(request.method === 'HEAD' ? undefined : object.bytes)
  }
}

function say(response: ServerResponse, status: number, json?: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(json === undefined ? undefined : JSON.stringify(json))
}

/** Ways to answer that no client should fall for, each with what it is told to the caller. */
export const misbehaviours: [what: string, does: Misbehaviour, says: RegExp][] = [
  ['with a page', answering(200, '<html>It works!</html>', 'text/html'), /not its v3 API|without/],
  ['with JSON that means nothing', answering(200, '{"hello": "world"}'), /not its v3 API|without/],
  [
    'with JSON of the wrong types',
    answering(200, '{"token": {"user": 1, "expires_at": {}}}'),
    /not its v3 API|without/,
  ],
  ['with an array', answering(200, '[]'), /not its v3 API|without/],
  ['with half a body', answering(200, '{"token": {"user"'), /not its v3 API|without/],
  ['with a redirect', answering(302, '', 'text/plain', { Location: 'http://127.0.0.1:1/' }), /status 302/],
  ['with several choices', answering(300, '{}'), /status 300/],
  ['with 500', answering(500, 'boom'), /status 500/],
  ['with 503', answering(503, 'later'), /status 503/],
  ['with 429', answering(429, 'slow down'), /status 429/],
  ['with more than it should', answering(200, `{"token": "${'x'.repeat(5 * 1024 * 1024)}"}`), /more than 4 MiB/],
  ['by hanging up', (request) => request.socket.destroy() !== undefined, /cannot be reached/],
  ['never', () => true, /did not answer within 1 s/],
  ['never to the end', half, /did not answer within 1 s/],
]

function answering(
  status: number,
  body: string,
  type = 'application/json',
  headers: Record<string, string> = {},
): Misbehaviour {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': type, 'X-Subject-Token': 'odd', ...headers }).end(body)
    return true
  }
}

function half(_request: IncomingMessage, response: ServerResponse): boolean {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' }).write('{"token":')
  return true
}
