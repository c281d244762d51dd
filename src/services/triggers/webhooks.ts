import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid, LimitReached, notFound } from '../../domain/errors.ts'
import { parseTargetName } from '../../domain/functions/target-name.ts'
import { idFrom, type NewId } from '../../domain/ids.ts'
import { rateOf, type Shares } from '../../domain/platform/limits.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import type { SecretReader, SecretStore } from '../../domain/platform/secret.ts'
import { TokenBuckets } from '../../domain/rate.ts'
import type { Webhook, WebhookStore } from '../../domain/triggers/webhook.ts'
import {
  checkWebhookSignature,
  type SignedWebhook,
  type WebhookSignature,
} from '../../domain/triggers/webhook-signature.ts'
import type { ResolvedTarget, TargetRef, Targets } from '../functions/targets.ts'
import type { RunRequest } from '../runs/invocation.ts'
import { WebhookDeliveries, type WebhookDelivery } from './webhook-deliveries.ts'

export interface NewWebhook extends TargetRef {
  description?: string | undefined
  /** Default false. */
  sync?: boolean | undefined
  /** Null: callers need not sign. */
  signature?: WebhookSignature | null | undefined
  /** Null: the server's default. */
  maxRate?: number | null | undefined
}

/** The target of a webhook's call, without the caller's input. */
export interface WebhookCall {
  webhook: Webhook
  run: Omit<RunRequest, 'input'>
}

/** A call that may run. */
export interface AdmittedCall {
  /** Execution id, derived from the sender's delivery id: a repeated delivery has the same. Undefined: the sender gave none. */
  executionId: string | undefined
  deliveryId: string | null
}

export interface WebhooksParts {
  store: WebhookStore
  secrets: Pick<SecretStore, 'find'>
  vault: SecretReader
  shares: Pick<Shares, 'refuseMore'>
  targets: Targets
  clock: Clock
  newId: NewId
  /** Calls per second of a webhook without a rate of its own. */
  defaultRate: number
}

/** Manages webhooks, authenticates their callers, and resolves what a call runs. */
export class Webhooks {
  #parts: WebhooksParts
  #rates = new TokenBuckets()
  readonly #deliveries: WebhookDeliveries

  constructor(parts: WebhooksParts) {
    this.#parts = parts
    this.#deliveries = new WebhookDeliveries(parts.newId)
  }

  create(who: Principal, given: NewWebhook): Webhook {
    if (!given.functionId && !given.functionAlias) throw invalid('function_id or function_alias is required.')
    const { shares, store } = this.#parts
    shares.refuseMore(who.projectId, 'webhooks', store.list(who.projectId).length)
    const webhook: Webhook = {
      id: this.#parts.newId(),
      projectId: who.projectId,
      ...this.#target(who, given),
      description: given.description ?? null,
      sync: given.sync ?? false,
      signature: this.#checked(who, given.signature ?? null),
      maxRate: checkedRate(given.maxRate ?? null),
      createdAt: this.#parts.clock.now(),
      updatedAt: null,
    }
    this.#parts.store.insert(webhook)
    return webhook
  }

  /** Webhooks of a project, or of all when null; by created_at, then id. */
  list(projectId: string | null): Webhook[] {
    return this.#parts.store.list(projectId)
  }

  get(who: Principal, id: string): Webhook {
    const webhook = this.#parts.store.find(id)
    if (webhook === null || !canSee(who, webhook.projectId)) throw notFound('Webhook', id)
    return webhook
  }

  /** Only in the caller's own project, even for admins: they may not redirect another project's webhook. */
  update(who: Principal, id: string, change: NewWebhook): Webhook {
    const webhook = this.#own(who, id)
    if (Object.values(change).every((value) => value === undefined)) return webhook
    const moved = this.#movedTo(webhook, change)
    const { signature, maxRate } = change
    const changed: Webhook = {
      ...webhook,
      ...(moved && this.#target(who, moved)),
      description: change.description ?? webhook.description,
      sync: change.sync ?? webhook.sync,
      signature: signature === undefined ? webhook.signature : this.#checked(who, signature),
      maxRate: maxRate === undefined ? webhook.maxRate : checkedRate(maxRate),
      updatedAt: this.#parts.clock.now(),
    }
    this.#parts.store.update(changed)
    return changed
  }

  delete(who: Principal, id: string): void {
    const webhook = this.get(who, id)
    this.#parts.store.delete(webhook.id)
    this.#deliveries.forget(webhook.id)
  }

  /**
   * Everybody who knows the URL may call, within its rate. Throws FaasError: `not_found`, `limit_reached`, `runtime_unavailable`.
   */
  called(id: string): WebhookCall {
    const webhook = this.#parts.store.find(id)
    if (webhook === null) throw notFound('Webhook', id)
    this.#refuseTooOften(webhook)
    return { webhook, run: this.#runOf(webhook) }
  }

  /** Throws FaasError `unauthenticated` when the webhook requires a signature and this one is invalid. */
  admit({ webhook }: WebhookCall, request: SignedWebhook): AdmittedCall {
    const { signature, id, projectId } = webhook
    if (signature === null) return { executionId: undefined, deliveryId: null }
    const { vault, clock } = this.#parts
    const verdict = checkWebhookSignature(signature, vault.open(projectId, signature.secret), request, clock.now())
    if (verdict.isGood) {
      const { deliveryId } = verdict
      return { deliveryId, executionId: deliveryId === null ? undefined : idFrom('webhook', id, deliveryId) }
    }
    this.note(id, { status: 'refused', reason: verdict.why, bytes: request.body.length })
    throw new FaasError('unauthenticated', verdict.why)
  }

  /** Notes the result of a call for the list of deliveries. */
  note(id: string, delivery: Pick<WebhookDelivery, 'status' | 'bytes'> & Partial<WebhookDelivery>): void {
    const { clock } = this.#parts
    const nothing = { receivedAt: clock.now(), reason: null, executionId: null, deliveryId: null, request: null }
    this.#deliveries.note(id, { ...nothing, ...delivery })
  }

  /** The last calls since the server started, the newest first. */
  deliveries(who: Principal, id: string): WebhookDelivery[] {
    return this.#deliveries.of(this.get(who, id).id)
  }

  /** Repeats the run of a call as a new run. Throws FaasError: `not_found`, `invalid_request`. */
  again(who: Principal, id: string, deliveryId: string): RunRequest {
    const webhook = this.#own(who, id)
    const delivery = this.#deliveries.find(webhook.id, deliveryId)
    if (delivery === undefined) throw notFound('Delivery', deliveryId)
    if (delivery.request === null)
      throw invalid('This delivery was refused, or is too large to be kept: only its sender has it.')
    return { ...this.#runOf(webhook), ...delivery.request }
  }

  /** Whether this webhook exists and its callers wait for the response. */
  isSync(id: string): boolean {
    return this.#parts.store.find(id)?.sync ?? false
  }

  #runOf(webhook: Webhook): Omit<RunRequest, 'input'> {
    const { id } = webhook
    const target = this.#parts.targets.resolveIn(webhook.projectId, webhook)
    const made = { trigger: 'webhook', triggerId: id, description: `Created by Webhook ${id}` } as const
    return { target, projectId: target.fn.projectId, ...made }
  }

  #refuseTooOften({ id, maxRate }: Webhook): void {
    const perSecond = maxRate ?? this.#parts.defaultRate
    const waitMs = this.#rates.take(id, rateOf(perSecond), this.#parts.clock.elapsed())
    if (waitMs === 0) return
    throw new LimitReached(
      { name: 'max_rate', of: 'webhook', value: perSecond, used: null },
      `This webhook takes ${perSecond} calls a second; try again later.`,
      waitMs / 1000,
    )
  }

  #own(who: Principal, id: string): Webhook {
    const webhook = this.get(who, id)
    if (webhook.projectId !== who.projectId) throw notFound('Webhook', id)
    return webhook
  }

  #checked(who: Principal, signature: WebhookSignature | null): WebhookSignature | null {
    if (signature === null) return null
    const { secret, header, toleranceSeconds, scheme } = signature
    if (this.#parts.secrets.find(who.projectId, secret) === null) {
      throw invalid(`There is no secret ${secret} in this project: make it first (taibai secret set ${secret}).`)
    }
    if (header !== null && (scheme !== 'hmac' || !/^[a-z0-9-]{1,64}$/.test(header))) {
      throw invalid('"signature.header" names a header in lower case, and only with the scheme hmac.')
    }
    if (toleranceSeconds !== null && !(toleranceSeconds >= 1 && toleranceSeconds <= 86_400)) {
      throw invalid('"signature.tolerance" must be from 1 to 86400 seconds.')
    }
    return signature
  }

  /** Null when the change keeps the target. */
  #movedTo(webhook: Webhook, change: NewWebhook): TargetRef | null {
    const { functionId, functionVersion, functionAlias } = change
    if (functionAlias && functionAlias !== webhook.functionAlias) return { functionAlias }
    if (functionId === undefined && functionVersion === undefined) return null
    const before = this.#parts.targets.functionIdOf(webhook.projectId, webhook)
    const namesMore = typeof functionId === 'string' && parseTargetName(functionId) !== null
    const version = functionVersion ?? (namesMore ? undefined : webhook.functionVersion)
    return { functionId: functionId ?? before, functionVersion: version }
  }

  /** With an alias, function and version are null: they are resolved at each call. */
  #target(who: Principal, ref: TargetRef): Pick<Webhook, 'functionId' | 'functionVersion' | 'functionAlias'> {
    const { fn, version, alias } = this.#ownTarget(who, ref)
    if (alias !== null) return { functionId: null, functionVersion: null, functionAlias: alias }
    return { functionId: fn.id, functionVersion: version, functionAlias: null }
  }

  /** A project alone may open its functions to the world: even admins may not do it for another. */
  #ownTarget(who: Principal, ref: TargetRef): ResolvedTarget {
    const named = this.#parts.targets.named(who, ref)
    if (named.fn.projectId !== who.projectId) throw notFound('Function', ref.functionId ?? String(ref.functionAlias))
    return named
  }
}

function checkedRate(maxRate: number | null): number | null {
  if (maxRate === null || (maxRate > 0 && maxRate <= 1_000_000)) return maxRate
  throw invalid('"max_rate" must be more than 0: calls a second.')
}
