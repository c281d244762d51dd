import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, selectRows } from '../../domain/list.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import { isSafeInUrl } from '../../domain/platform/openstack.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import {
  type Source,
  type SourceEvent,
  type SourceState,
  type SourceStatus,
  sourceEvents,
  sourceStatuses,
} from '../../domain/triggers/source.ts'
import type { ResolvedTarget, TargetRef, Targets } from '../functions/targets.ts'
import { needsKeystone, SourcePolls, type SourcePollsParts } from './source-polls.ts'

export interface NewSource extends TargetRef {
  name?: string
  type?: string
  container?: string
  prefix?: string
  events?: string[]
  interval?: number
  /** Also report objects that exist already. */
  existing?: boolean
}

/** Fields that may change; absent: unchanged. */
export interface SourceChange {
  name?: string
  status?: string
  events?: string[]
  interval?: number
}

export type ShownSource = Source & SourceState

export interface SourcesParts extends SourcePollsParts {
  targets: Targets
  newId: NewId
  shares: Pick<Shares, 'refuseMore'>
}

const defaultEvents: SourceEvent[] = ['created', 'changed']
const defaultInterval = 10
const longestInterval = 86_400

/** Manages event sources. `source-polls.ts` watches them. */
export class Sources {
  #parts: SourcesParts
  readonly polls: SourcePolls

  constructor(parts: SourcesParts) {
    this.#parts = parts
    this.polls = new SourcePolls(parts)
  }

  /** Lists the container first: a container that cannot be listed is refused. */
  async create(who: Principal, given: NewSource): Promise<ShownSource> {
    const { store, trusts, newId, clock, shares } = this.#parts
    if (trusts === undefined) throw needsKeystone()
    shares.refuseMore(who.projectId, 'sources', store.list(who.projectId).length)
    if (given.type !== 'swift') throw invalid('"type" must be swift: there is no other kind of source yet.')
    const container = checkedContainer(given.container)
    const events = checkedEvents(given.events ?? defaultEvents)
    const intervalSeconds = checkedInterval(given.interval ?? defaultInterval)
    const prefix = given.prefix || null
    const { fn, version, alias } = this.#own(who, given)
    const { atMs } = await this.polls.listing(fn, { container, prefix, after: '', limit: 1 })
    const source: Source = {
      id: newId(),
      projectId: who.projectId,
      name: given.name ?? null,
      type: 'swift',
      container,
      prefix,
      events,
      functionId: alias === null ? fn.id : null,
      functionVersion: alias === null ? version : null,
      functionAlias: alias,
      intervalSeconds,
      status: 'running',
      sinceMs: given.existing ? 0 : atMs,
      createdAt: clock.now(),
      updatedAt: null,
    }
    this.#own(who, given)
    store.insert(source)
    this.polls.set(source)
    return this.#shown(source)
  }

  list(query: ListQuery): ShownSource[] {
    return selectRows(this.#parts.store.list(query.filter.projectId), query).map((source) => this.#shown(source))
  }

  get(who: Principal, id: string): ShownSource {
    return this.#shown(this.#find(who, id))
  }

  /** A resumed source reports everything that happened while it was paused. */
  update(who: Principal, id: string, change: SourceChange): ShownSource {
    const source = this.#find(who, id)
    const { name, status, events, interval } = change
    const changed: Source = {
      ...source,
      name: name ?? source.name,
      status: status === undefined ? source.status : checkedStatus(status),
      events: events === undefined ? source.events : checkedEvents(events),
      intervalSeconds: interval === undefined ? source.intervalSeconds : checkedInterval(interval),
      updatedAt: this.#parts.clock.now(),
    }
    this.#parts.store.update(changed)
    this.polls.set(changed)
    return this.#shown(changed)
  }

  delete(who: Principal, id: string): void {
    this.remove(this.#find(who, id).id)
  }

  /** Removes a source for any caller. */
  remove(id: string): void {
    this.#parts.store.delete(id)
    this.polls.clear(id)
  }

  #find(who: Principal, id: string): Source {
    const source = this.#parts.store.find(id)
    if (source === null || !canSee(who, source.projectId)) throw notFound('Source', id)
    return source
  }

  /** A project's objects start only that project's functions: even admins may not set this up for another. */
  #own(who: Principal, ref: TargetRef): ResolvedTarget {
    const named = this.#parts.targets.named(who, ref)
    if (named.fn.projectId !== who.projectId) throw notFound('Function', ref.functionId ?? String(ref.functionAlias))
    return named
  }

  #shown(source: Source): ShownSource {
    return { ...source, ...this.polls.stateOf(source.id) }
  }
}

function checkedContainer(container: string | undefined): string {
  if (!container) throw invalid('"container" is required: what to watch in Swift.')
  if (isSafeInUrl({ container, object: '' }) && Buffer.byteLength(container) <= 256) return container
  throw invalid(`"container" is ${JSON.stringify(container)}: Swift has no containers of such a name.`)
}

function checkedEvents(events: string[]): SourceEvent[] {
  const known: readonly string[] = sourceEvents
  if (events.length > 0 && events.every((event) => known.includes(event))) {
    return sourceEvents.filter((event) => events.includes(event))
  }
  throw invalid(`"events" must be a list of some of ${sourceEvents.join(', ')}.`)
}

function checkedInterval(seconds: number): number {
  if (seconds >= 1 && seconds <= longestInterval) return seconds
  throw invalid(`"interval" is ${seconds}: it must be from 1 to ${longestInterval} seconds.`)
}

function checkedStatus(status: string): SourceStatus {
  const known: readonly string[] = sourceStatuses
  if (known.includes(status)) return status as SourceStatus
  throw invalid(`"status" must be one of ${sourceStatuses.join(', ')}.`)
}
