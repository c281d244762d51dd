// A user's operations with Keystone, Swift, Zaqar, Aodh and Taibai: plain HTTP with a token.
import { randomUUID } from 'node:crypto'
import { type StackResponse, sendRequest } from './stack-request.ts'

/** Base URLs of the services, named as in the scripts that start them. */
export interface CloudUrls {
  AUTH_URL: string
  SWIFT_URL: string
  ZAQAR_URL: string
  AODH_URL: string
}

export class CloudUser {
  readonly token: string
  readonly projectId: string
  readonly #urls: CloudUrls
  readonly #taibai: string
  /** Zaqar requires an id of each client. */
  readonly #clientId = randomUUID()

  private constructor(urls: CloudUrls, taibai: string, token: string, projectId: string) {
    this.#urls = urls
    this.#taibai = taibai
    this.token = token
    this.projectId = projectId
  }

  /** For the project with the same name. */
  static async logIn(urls: CloudUrls, taibai: string, name: string, password: string): Promise<CloudUser> {
    const domain = { id: 'default' }
    const identity = { methods: ['password'], password: { user: { name, domain, password } } }
    const body = JSON.stringify({ auth: { identity, scope: { project: { name, domain } } } })
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${urls.AUTH_URL}/auth/tokens`, { method: 'POST', body, headers })
    const { token } = (await response.json()) as { token: { project: { id: string } } }
    return new CloudUser(urls, taibai, String(response.headers.get('x-subject-token')), token.project.id)
  }

  putContainer(container: string): Promise<StackResponse> {
    return this.#must('PUT', this.#swift(container))
  }

  async putObject(container: string, object: string, body: string): Promise<void> {
    await this.#must('PUT', this.#swift(container, object), body)
  }

  /** Its text; null when it does not exist. */
  async getObject(container: string, object: string): Promise<string | null> {
    const { status, text } = await this.#ask('GET', this.#swift(container, object))
    return status === 200 ? text : null
  }

  async deleteObject(container: string, object: string): Promise<void> {
    await this.#must('DELETE', this.#swift(container, object))
  }

  /** Deletes its objects too. */
  async deleteContainer(container: string): Promise<void> {
    const { json } = await this.#ask('GET', `${this.#swift(container)}?format=json`)
    for (const { name } of json ?? []) await this.#ask('DELETE', this.#swift(container, name))
    await this.#ask('DELETE', this.#swift(container))
  }

  async createQueue(queue: string): Promise<void> {
    await this.#must('PUT', `${this.#urls.ZAQAR_URL}/v2/queues/${queue}`)
  }

  async subscribe(queue: string, subscriber: string): Promise<void> {
    await this.#must('POST', `${this.#urls.ZAQAR_URL}/v2/queues/${queue}/subscriptions`, { subscriber, ttl: 3600 })
  }

  async postMessage(queue: string, body: unknown): Promise<void> {
    const messages = [{ body, ttl: 300 }]
    await this.#must('POST', `${this.#urls.ZAQAR_URL}/v2/queues/${queue}/messages`, { messages })
  }

  /** What its messages say. */
  async messages(queue: string): Promise<unknown[]> {
    const { json } = await this.#must('GET', `${this.#urls.ZAQAR_URL}/v2/queues/${queue}/messages?echo=true`)
    return json.messages.map(({ body }: { body: unknown }) => body)
  }

  deleteQueue(queue: string): Promise<StackResponse> {
    return this.#ask('DELETE', `${this.#urls.ZAQAR_URL}/v2/queues/${queue}`)
  }

  /** An alarm for every event of this type with these traits; returns its id. */
  async createAlarm(name: string, eventType: string, traits: Record<string, string>, action: string): Promise<string> {
    const query = Object.entries(traits).map(([trait, value]) => ({
      field: `traits.${trait}`,
      op: 'eq',
      type: 'string',
      value,
    }))
    const { json } = await this.#must('POST', `${this.#urls.AODH_URL}/v2/alarms`, {
      name,
      type: 'event',
      event_rule: { event_type: eventType, query },
      repeat_actions: true,
      alarm_actions: [action],
    })
    return json.alarm_id
  }

  deleteAlarm(id: string): Promise<StackResponse> {
    return this.#ask('DELETE', `${this.#urls.AODH_URL}/v2/alarms/${id}`)
  }

  /** A request to Taibai; errors are thrown. */
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
  async taibai(method: string, path: string, json?: unknown): Promise<any> {
    return (await this.#must(method, `${this.#taibai}${path}`, json)).json
  }

  #swift(...path: string[]): string {
    const names = path.map((name) => name.split('/').map(encodeURIComponent).join('/'))
    return [`${this.#urls.SWIFT_URL}/v1/AUTH_${this.projectId}`, ...names].join('/')
  }

  async #must(method: string, url: string, body?: unknown): Promise<StackResponse> {
    const answer = await this.#ask(method, url, body)
    if (answer.status < 300) return answer
    throw new Error(`${method} ${url}: ${answer.status} ${answer.text.slice(0, 500)}`)
  }

  /** A string body is sent unchanged, everything else as JSON. */
  #ask(method: string, url: string, body?: unknown): Promise<StackResponse> {
    const isText = typeof body === 'string'
    const type: Record<string, string> = body === undefined || isText ? {} : { 'Content-Type': 'application/json' }
    const sent = body === undefined || isText ? body : JSON.stringify(body)
    return sendRequest(url, method, this.token, sent, { ...type, 'Client-ID': this.#clientId })
  }
}
