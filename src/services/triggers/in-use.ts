import type { AliasStore } from '../../domain/alias.ts'
import { type Job, type JobStore, unfinished } from '../../domain/job.ts'
import type { SourceStore } from '../../domain/source.ts'
import type { Holder, InUse, StoredTrigger } from '../../domain/trigger.ts'
import type { WebhookStore } from '../../domain/webhook.ts'
import type { Jobs } from './jobs.ts'
import type { Sources } from './sources.ts'

export interface HoldersParts {
  stores: { jobs: JobStore; webhooks: WebhookStore; sources: SourceStore; aliases: AliasStore }
  jobs: Pick<Jobs, 'remove'>
  sources: Pick<Sources, 'remove'>
}

type Kept = 'jobs' | 'webhooks' | 'sources'

/** The one guard of everything that jobs, webhooks, sources and aliases point at. */
export class Holders implements InUse {
  #parts: HoldersParts

  constructor(parts: HoldersParts) {
    this.#parts = parts
  }

  ofFunction(functionId: string): Holder[] {
    return this.#of((kept) => this.#parts.stores[kept].listOfFunction(functionId), this.#aliasesOf(functionId))
  }

  ofVersion(functionId: string, version: number): Holder[] {
    const points = (row: { functionVersion: number | null }): boolean => row.functionVersion === version
    return this.#of(
      (kept) => (this.#parts.stores[kept].listOfFunction(functionId) as StoredTrigger[]).filter(points),
      this.#aliasesOf(functionId, version),
    )
  }

  ofAlias(projectId: string, alias: string): Holder[] {
    return this.#of((kept) => this.#parts.stores[kept].listOfAlias(projectId, alias), [])
  }

  jobsOf(functionId: string): Holder[] {
    return this.#parts.stores.jobs.listOfFunction(functionId).filter(unfinished).map(holder('job'))
  }

  async remove(holders: Holder[]): Promise<void> {
    const { stores, jobs, sources } = this.#parts
    for (const { kind, id, projectId } of holders) {
      if (kind === 'job') await jobs.remove(id)
      else if (kind === 'webhook') stores.webhooks.delete(id)
      else if (kind === 'source') sources.remove(id)
      else await this.#removeAlias(projectId, id)
    }
  }

  async #removeAlias(projectId: string, name: string): Promise<void> {
    await this.remove(this.ofAlias(projectId, name))
    const alias = this.#parts.stores.aliases.find(projectId, name)
    if (alias !== null) this.#parts.stores.aliases.delete(alias.id)
  }

  #of(rows: (kept: Kept) => StoredTrigger[], aliases: Holder[]): Holder[] {
    return [
      ...(rows('jobs') as Job[]).filter(unfinished).map(holder('job')),
      ...rows('webhooks').map(holder('webhook')),
      ...aliases,
      ...rows('sources').map(holder('source')),
    ]
  }

  #aliasesOf(functionId: string, version?: number): Holder[] {
    return this.#parts.stores.aliases
      .listOfFunction(functionId)
      .filter((alias) => version === undefined || alias.functionVersion === version)
      .map(({ name, projectId }) => ({ kind: 'alias', id: name, projectId }))
  }
}

const holder =
  (kind: Holder['kind']) =>
  ({ id, projectId }: StoredTrigger): Holder => ({ kind, id, projectId })
