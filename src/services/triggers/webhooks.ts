import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { canSee, type Principal } from '../../domain/principal.ts'
import { parseTargetName } from '../../domain/target-name.ts'
import type { Webhook, WebhookStore } from '../../domain/webhook.ts'
import type { Named, TargetRef, Targets } from '../functions/targets.ts'
import type { RunRequest } from '../runs/invocation.ts'

export interface NewWebhook extends TargetRef {
  description?: string
  /** Default false. */
  sync?: boolean
}

/** What a call of a webhook runs; what the caller says is not in it. */
export interface WebhookCall {
  /** The caller waits for the function's answer. */
  sync: boolean
  run: Omit<RunRequest, 'input'>
}

export interface WebhooksParts {
  store: WebhookStore
  targets: Targets
  clock: Clock
  newId: NewId
}

/** Keeps webhooks, and knows what a call of one runs. */
export class Webhooks {
  #parts: WebhooksParts

  constructor(parts: WebhooksParts) {
    this.#parts = parts
  }

  create(who: Principal, given: NewWebhook): Webhook {
    if (!given.functionId && !given.functionAlias) throw invalid('function_id or function_alias is required.')
    const webhook: Webhook = {
      id: this.#parts.newId(),
      projectId: who.projectId,
      ...this.#target(who, given),
      description: given.description ?? null,
      sync: given.sync ?? false,
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

  /** Only of the own project, also for admins: they may not point a webhook of others at something. */
  update(who: Principal, id: string, change: NewWebhook): Webhook {
    const webhook = this.get(who, id)
    if (webhook.projectId !== who.projectId) throw notFound('Webhook', id)
    if (Object.values(change).every((value) => value === undefined)) return webhook
    const moved = this.#movedTo(webhook, change)
    const changed: Webhook = {
      ...webhook,
      ...(moved && this.#target(who, moved)),
      description: change.description ?? webhook.description,
      sync: change.sync ?? webhook.sync,
      updatedAt: this.#parts.clock.now(),
    }
    this.#parts.store.update(changed)
    return changed
  }

  delete(who: Principal, id: string): void {
    const webhook = this.get(who, id)
    this.#parts.store.delete(webhook.id)
  }

  /** Anybody may call it: the run belongs to the function's project. Throws FaasError: `not_found`, `runtime_unavailable`. */
  called(id: string): WebhookCall {
    const webhook = this.#parts.store.find(id)
    if (webhook === null) throw notFound('Webhook', id)
    const target = this.#parts.targets.resolveIn(webhook.projectId, webhook)
    const made = { trigger: 'webhook', triggerId: id, description: `Created by Webhook ${id}` } as const
    return { sync: webhook.sync, run: { target, projectId: target.fn.projectId, ...made } }
  }

  /** Whether there is one whose callers wait for an answer. */
  isSync(id: string): boolean {
    return this.#parts.store.find(id)?.sync ?? false
  }

  /** Null when the change leaves the target as it is. */
  #movedTo(webhook: Webhook, change: NewWebhook): TargetRef | null {
    const { functionId, functionVersion, functionAlias } = change
    if (functionAlias && functionAlias !== webhook.functionAlias) return { functionAlias }
    if (functionId === undefined && functionVersion === undefined) return null
    const before = this.#parts.targets.functionIdOf(webhook.projectId, webhook)
    const namesMore = typeof functionId === 'string' && parseTargetName(functionId) !== null
    const version = functionVersion ?? (namesMore ? undefined : webhook.functionVersion)
    return { functionId: functionId ?? before, functionVersion: version }
  }

  /** With an alias, function and version are null: they are looked up when it is called. */
  #target(who: Principal, ref: TargetRef): Pick<Webhook, 'functionId' | 'functionVersion' | 'functionAlias'> {
    const { fn, version, alias } = this.#own(who, ref)
    if (alias !== null) return { functionId: null, functionVersion: null, functionAlias: alias }
    return { functionId: fn.id, functionVersion: version, functionAlias: null }
  }

  /** Opening a function to the world is its project's business: not even admins may for another. */
  #own(who: Principal, ref: TargetRef): Named {
    const named = this.#parts.targets.named(who, ref)
    if (named.fn.projectId !== who.projectId) throw notFound('Function', ref.functionId ?? String(ref.functionAlias))
    return named
  }
}
