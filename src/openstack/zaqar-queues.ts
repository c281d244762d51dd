import { FaasError, invalid } from '../domain/errors.ts'
import type { MessageQueues, OpenStackSession, QueueMessage } from '../domain/platform/openstack.ts'
import type { Keystone } from './keystone.ts'
import { endpointOf } from './service-endpoint.ts'
import { type ServiceAnswer, ServiceFailure, sendServiceRequest } from './service-request.ts'

export interface ZaqarQueuesParts {
  keystone: Pick<Keystone, 'catalogOf'>
  options: { interface: string; region: string | undefined; timeoutMs: number }
  /** A UUID, by which Zaqar tells its clients apart. */
  clientId: string
}

/** Queues in the Zaqar that the catalogue of a session names. */
export class ZaqarQueues implements MessageQueues {
  #parts: ZaqarQueuesParts

  constructor(parts: ZaqarQueuesParts) {
    this.#parts = parts
  }

  async post(session: OpenStackSession, { queue, body, ttl }: QueueMessage): Promise<void> {
    const { keystone, options, clientId } = this.#parts
    const wish = { type: 'messaging', interface: options.interface, region: options.region }
    const base = (await endpointOf(session, keystone, wish, 'Zaqar')).replace(/\/v[12](\.\d+)?$/, '')
    const answer = await sendServiceRequest({
      service: 'Zaqar',
      method: 'POST',
      url: `${base}/v2/queues/${encodeURIComponent(queue)}/messages`,
      headers: { 'X-Auth-Token': session.token, 'Client-ID': clientId },
      text: `{"messages":[{${ttl === null ? '' : `"ttl":${ttl},`}"body":${body}}]}`,
      timeoutMs: options.timeoutMs,
    }).catch((error: unknown) => {
      throw error instanceof ServiceFailure ? failed(error.message, error) : error
    })
    if (answer.status !== 201) throw refused(answer, queue)
  }
}

function refused({ status, json }: ServiceAnswer, queue: string): FaasError {
  const said = typeof json?.description === 'string' ? `: ${json.description.slice(0, 300)}` : '.'
  if (status === 400 || status === 413) return invalid(`Zaqar does not take the message for the queue ${queue}${said}`)
  if (status === 401) return new FaasError('unauthenticated', 'Zaqar does not accept the token any more.')
  if (status === 403) return failed(`Zaqar does not let this user post to the queue ${queue}.`)
  return failed(`Zaqar answered with the status ${status} when posted to the queue ${queue}${said}`)
}

const failed = (message: string, cause?: unknown): FaasError => new FaasError('openstack_failed', message, { cause })
