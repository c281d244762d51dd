import { FaasError } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import { hasSession, type MessageQueues, type OpenStackSession, type Trusts } from '../../domain/platform/openstack.ts'
import type { QueueDestination } from '../../domain/runs/run-options.ts'
import { type EventSender, type SendResult, structured } from '../../domain/triggers/cloud-event.ts'

export interface ResultQueuesParts {
  functions: Pick<FunctionStore, 'find'>
  trusts: Pick<Trusts, 'acting' | 'forget'>
  queues: MessageQueues
}

type Event = Exclude<Parameters<EventSender['send']>[1], { headers: unknown }>

/** Posts results to queues of Zaqar, through the trust of the function that they are of: in the project of its maker. */
export class ResultQueues {
  #parts: ResultQueuesParts

  constructor(parts: ResultQueuesParts) {
    this.#parts = parts
  }

  /** Rejects with a FaasError when the message is not there, as `MessageQueues` says. */
  async send(functionId: string, { queue, ttl }: QueueDestination, event: Event): Promise<SendResult> {
    const trustId = this.#parts.functions.find(functionId)?.trustId ?? null
    if (trustId === null) return { kind: 'gone', reason: 'The function is gone, and its trust with it.' }
    const message = { queue, ttl: ttl ?? null, body: structured(event) }
    try {
      await this.#parts.queues.post(await this.#session(trustId), message)
    } catch (error) {
      if (!(error instanceof FaasError) || error.code !== 'unauthenticated') throw error
      this.#parts.trusts.forget(trustId)
      await this.#parts.queues.post(await this.#session(trustId), message).catch(passing)
    }
    return { kind: 'taken' }
  }

  /** A user who was disabled may be enabled again: it is tried for as long as results are. */
  async #session(trustId: string): Promise<OpenStackSession> {
    const acting = await this.#parts.trusts.acting(trustId)
    if (hasSession(acting)) return acting
    throw new FaasError('openstack_failed', acting.problem)
  }
}

/** A new token that is refused as well is the cloud's fault, which may pass; nobody can send another. */
function passing(error: unknown): never {
  if (!(error instanceof FaasError) || error.code !== 'unauthenticated') throw error
  throw new FaasError('openstack_failed', error.message, { cause: error })
}
