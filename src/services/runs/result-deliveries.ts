import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { idFrom } from '../../domain/ids.ts'
import type { Execution, Ledger } from '../../domain/runs/execution.ts'
import type { Log } from '../../domain/runs/log.ts'
import { type RetryRule, retryDelayMs } from '../../domain/runs/retries.ts'
import { maxDepth, type ResultDelivery } from '../../domain/runs/run-options.ts'
import { type EventSender, type SendResult, structured } from '../../domain/triggers/cloud-event.ts'
import type { Targets } from '../functions/targets.ts'
import { callbackMessage } from './callback-message.ts'
import { DelayQueue } from './delay-queue.ts'
import type { Invocation } from './invocation.ts'
import { resultEvent } from './result-event.ts'
import type { ResultQueues } from './result-queues.ts'

export interface ResultDeliveriesParts {
  ledger: Pick<Ledger, 'find' | 'close' | 'undelivered'>
  invocation: Pick<Invocation, 'accept'>
  targets: Pick<Targets, 'resolve'>
  sender: EventSender
  /** Absent without Keystone. */
  queues?: Pick<ResultQueues, 'send'> | undefined
  clock: Clock
  log: Log
  limits: { maxAsyncAgeMs: number; retryPauseMs: number }
}

/** Limits of concurrent deliveries, in total and to one URL: a slow receiver does not delay others. */
const mostAtOnce = 32
const mostToOne = 4
const longestPauseMs = 60_000

interface Waiting {
  id: string
  /** The receiver, for the limit per URL. */
  to: string
}

/**
 * Delivers results of accepted runs to their destinations. The record of a finished run says that its result is to be delivered,
 * so none is lost; one may arrive twice, with the same id. A destination function gets the result as an accepted run.
 */
export class ResultDeliveries {
  #parts: ResultDeliveriesParts
  #later: DelayQueue<Waiting>
  #ready: Waiting[] = []
  #atWork = new Map<string, number>()
  #working = new Set<Promise<void>>()
  #isClosed = false

  constructor(parts: ResultDeliveriesParts) {
    this.#parts = parts
    this.#later = new DelayQueue(parts.clock, (waiting) => this.#add(waiting))
  }

  /** Continues deliveries that an earlier process left. */
  start(): void {
    for (const execution of this.#parts.ledger.undelivered()) this.deliver(execution)
  }

  /** The run is over, and its record says that its result is to be delivered. */
  deliver({ id, delivery, deliverAt }: Execution): void {
    if (delivery === null || deliverAt === null) return
    this.#later.add({ id, to: sharedPlace(delivery) }, deliverAt)
  }

  /** Starts no more deliveries; the next start continues. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#working)
  }

  #add(waiting: Waiting): void {
    this.#ready.push(waiting)
    this.#next()
  }

  #next(): void {
    while (!this.#isClosed && this.#working.size < mostAtOnce) {
      const at = this.#ready.findIndex(({ to }) => (this.#atWork.get(to) ?? 0) < mostToOne)
      const [waiting] = at === -1 ? [] : this.#ready.splice(at, 1)
      if (waiting === undefined) return
      this.#atWork.set(waiting.to, (this.#atWork.get(waiting.to) ?? 0) + 1)
      const work = this.#work(waiting).finally(() => this.#ended(waiting, work))
      this.#working.add(work)
    }
  }

  #ended({ to }: Waiting, work: Promise<void>): void {
    const left = (this.#atWork.get(to) ?? 1) - 1
    if (left === 0) this.#atWork.delete(to)
    else this.#atWork.set(to, left)
    this.#working.delete(work)
    this.#next()
  }

  async #work({ id }: Waiting): Promise<void> {
    const execution = await this.#parts.ledger.find(id)
    if (execution === null || execution.delivery === null || execution.deliverAt === null) return
    const sent = await this.#send(execution, execution.delivery).catch((error: unknown) => this.#failed(error))
    const noted = await this.#parts.ledger.find(id)
    // The run was deleted or run again during the delivery.
    if (noted === null || noted.delivery === null || noted.deliverAt !== execution.deliverAt) return
    this.#note(noted, noted.delivery, sent)
  }

  #note(execution: Execution, delivery: ResultDelivery, sent: SendResult): void {
    const { clock, ledger, limits, log } = this.#parts
    const attempts = delivery.attempts + 1
    const error = sent.kind === 'taken' ? null : sent.reason
    const isTooOld = clock.now() - (execution.updatedAt ?? 0) >= limits.maxAsyncAgeMs
    if (sent.kind === 'refused' && !isTooOld) {
      const deliverAt = clock.now() + retryDelayMs(this.#rule, attempts)
      const again = { ...execution, delivery: { ...delivery, attempts, error }, deliverAt }
      ledger.close(again)
      return this.deliver(again)
    }
    const state = sent.kind === 'taken' ? 'delivered' : 'failed'
    if (error !== null) log.warn({ execution: execution.id, reason: error }, 'a result could not be delivered')
    ledger.close({ ...execution, delivery: { ...delivery, attempts, error, state }, deliverAt: null })
  }

  get #rule(): RetryRule {
    const { retryPauseMs: firstPauseMs, maxAsyncAgeMs: maxAgeMs } = this.#parts.limits
    return { firstPauseMs, factor: 2, longestPauseMs, maxAgeMs, maxAttempts: Number.POSITIVE_INFINITY, on: ['error'] }
  }

  async #send(execution: Execution, delivery: ResultDelivery): Promise<SendResult> {
    const depth = (execution.terms?.depth ?? 0) + 1
    if (depth > maxDepth) {
      return { kind: 'gone', reason: `${depth} runs in a row were started by results of others: that is a loop.` }
    }
    const { to } = delivery
    if ('url' in to && to.callback !== undefined) {
      return this.#parts.sender.send(to.url, callbackMessage(execution, to.callback))
    }
    const event = resultEvent(execution)
    if ('url' in to) return this.#parts.sender.send(to.url, event)
    if ('queue' in to) return this.#parts.queues?.send(execution.functionId, to, event) ?? withoutKeystone
    const who = { projectId: delivery.projectId, roles: [], isAdmin: false }
    const text = structured(event)
    await this.#parts.invocation.accept({
      target: this.#parts.targets.resolve(who, { functionId: to.function }),
      projectId: delivery.projectId,
      trigger: 'event',
      triggerId: execution.id,
      input: { kind: 'json', body: Buffer.from(text), text },
      description: `Result of ${execution.id}`,
      executionId: idFrom('result', execution.id, execution.updatedAt ?? 0),
      terms: { depth },
    })
    return { kind: 'taken' }
  }

  #failed(error: unknown): SendResult {
    if (!(error instanceof FaasError)) {
      this.#parts.log.error({ err: error }, 'a result could not be delivered')
      return { kind: 'refused', reason: 'The server failed; see its log.' }
    }
    const isGone = error.fault === 'caller' && error.code !== 'runtime_unavailable'
    return { kind: isGone ? 'gone' : 'refused', reason: error.message }
  }
}

/** Whose few places the result shares with others. */
function sharedPlace({ to, projectId }: ResultDelivery): string {
  if ('url' in to) return new URL(to.url).host
  return 'queue' in to ? `queues of ${projectId}` : `function of ${projectId}`
}

const withoutKeystone: SendResult = {
  kind: 'gone',
  reason: 'This server does not use Keystone any more, which queues need.',
}
