import { type AliasStore, versionsOf } from '../../domain/functions/alias.ts'
import { isUnfinished, type JobStore } from '../../domain/triggers/job.ts'
import type { SourceStore } from '../../domain/triggers/source.ts'
import type { Dependent, DependentLookup, StoredTrigger, TriggerStore } from '../../domain/triggers/trigger.ts'
import type { WebhookStore } from '../../domain/triggers/webhook.ts'
import type { Jobs } from './jobs.ts'
import type { Sources } from './sources.ts'

export interface DependentsParts {
  stores: { jobs: JobStore; webhooks: WebhookStore; sources: SourceStore; aliases: AliasStore }
  jobs: Pick<Jobs, 'remove'>
  sources: Pick<Sources, 'remove'>
}

/** A row that points at a function, with its identification. */
interface Row {
  id: string
  name?: string | null
  projectId: string
  functionVersion: number | null
  /** Set where there may be several. */
  versions?: (number | null)[]
}

/** Functions only hold secrets, and are not deleted with one. */
type TargetHolder = Exclude<Dependent['kind'], 'function'>

/** How the rows of one kind are found and deleted. */
interface Kind {
  ofFunction(functionId: string): Row[]
  ofAlias(projectId: string, alias: string): Row[]
  remove(holder: Dependent): unknown
}

/** The common check for everything that jobs, webhooks, sources and aliases point at. */
export class Dependents implements DependentLookup {
  /** In the contract's order of checks. */
  #kinds: Record<TargetHolder, Kind>
  #webhooks: WebhookStore

  constructor({ stores, jobs, sources }: DependentsParts) {
    this.#webhooks = stores.webhooks
    this.#kinds = {
      job: { ...listed(stores.jobs, isUnfinished), remove: ({ id }) => jobs.remove(id) },
      webhook: { ...listed(stores.webhooks), remove: ({ id }) => stores.webhooks.delete(id) },
      alias: {
        ofFunction: (functionId) =>
          stores.aliases.listOfFunction(functionId).map((row) => ({ ...row, id: row.name, versions: versionsOf(row) })),
        ofAlias: () => [],
        remove: ({ projectId, id }) => this.#removeAlias(stores.aliases, projectId, id),
      },
      source: { ...listed(stores.sources), remove: ({ id }) => sources.remove(id) },
    }
  }

  ofFunction(functionId: string): Dependent[] {
    return this.#all((kind) => kind.ofFunction(functionId))
  }

  ofVersion(functionId: string, version: number): Dependent[] {
    const leadsThere = ({ functionVersion, versions = [functionVersion] }: Row) => versions.includes(version)
    return this.#all((kind) => kind.ofFunction(functionId).filter(leadsThere))
  }

  ofAlias(projectId: string, alias: string): Dependent[] {
    return this.#all((kind) => kind.ofAlias(projectId, alias))
  }

  ofSecret(projectId: string, secret: string): Dependent[] {
    const rows = this.#webhooks.list(projectId)
    return rows.filter(({ signature }) => signature?.secret === secret).map(holder('webhook'))
  }

  jobsOf(functionId: string): Dependent[] {
    return this.#kinds.job.ofFunction(functionId).map(holder('job'))
  }

  async remove(holders: Dependent[]): Promise<void> {
    for (const each of holders) if (each.kind !== 'function') await this.#kinds[each.kind].remove(each)
  }

  async #removeAlias(aliases: AliasStore, projectId: string, name: string): Promise<void> {
    await this.remove(this.ofAlias(projectId, name))
    const alias = aliases.find(projectId, name)
    if (alias !== null) aliases.delete(alias.id)
  }

  #all(rowsOf: (kind: Kind) => Row[]): Dependent[] {
    const kinds = Object.entries(this.#kinds) as [TargetHolder, Kind][]
    return kinds.flatMap(([name, kind]) => rowsOf(kind).map(holder(name)))
  }
}

/** Finds the rows of a kind of trigger; `counts`: whether a row needs its target. */
const listed = <Trigger extends StoredTrigger>(
  store: TriggerStore<Trigger>,
  counts: (row: Trigger) => boolean = () => true,
): Pick<Kind, 'ofFunction' | 'ofAlias'> => ({
  ofFunction: (functionId) => store.listOfFunction(functionId).filter(counts),
  ofAlias: (projectId, alias) => store.listOfAlias(projectId, alias).filter(counts),
})

const holder =
  (kind: Dependent['kind']) =>
  ({ id, name, projectId }: Row): Dependent => ({ kind, id, projectId, ...(name !== id && { name: name ?? null }) })
