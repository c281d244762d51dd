import { invalid, notFound } from '../../domain/errors.ts'
import type { AliasStore } from '../../domain/functions/alias.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import type { WhiskEntityStore } from '../../domain/functions/openwhisk.ts'
import type { AccessKeyStore } from '../../domain/platform/access-key.ts'
import {
  type LimitName,
  type LimitStore,
  limitFacts,
  limitNames,
  type ProjectLimits,
} from '../../domain/platform/limits.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { SecretStore } from '../../domain/platform/secret.ts'
import type { TokenStore } from '../../domain/platform/token.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Ledger } from '../../domain/runs/execution.ts'
import { isUnfinished, type JobStore } from '../../domain/triggers/job.ts'
import type { SourceStore } from '../../domain/triggers/source.ts'
import type { WebhookStore } from '../../domain/triggers/webhook.ts'
import type { Invocation } from './invocation.ts'
import type { UsageMeter } from './usage-meter.ts'

export interface ProjectLimitsParts {
  shares: { of(projectId: string): ProjectLimits; set(projectId: string, limits: Partial<ProjectLimits>): void }
  stores: {
    functions: FunctionStore
    jobs: JobStore
    webhooks: WebhookStore
    sources: Pick<SourceStore, 'list'>
    aliases: Pick<AliasStore, 'list'>
    secrets: Pick<SecretStore, 'list'>
    accessKeys: Pick<AccessKeyStore, 'list'>
    whiskEntities: Pick<WhiskEntityStore, 'countMade'>
    tokens: Pick<TokenStore, 'list'>
    projectLimits: Pick<LimitStore, 'list'>
  }
  packageShare: { used(projectId: string): Promise<{ packages: number; bytes: number }> }
  invocation: Pick<Invocation, 'heldBy'>
  pool: Pick<Pool, 'heldBytes'>
  ledger: Pick<Ledger, 'recordBytes'>
  meter: Pick<UsageMeter, 'today'>
}

/** One limit and its current use; null: not counted, or not applicable. */
export interface ShownLimit {
  name: LimitName
  about: string
  value: number | null
  used: number | null
  /** False: the default of all projects. */
  isOwn: boolean
}

const mib = 1024 * 1024

/** A project's contents and current use. */
export interface ProjectSummary {
  id: string
  functions: number
  /** Unfinished jobs. */
  jobs: number
  webhooks: number
  tokens: number
  running: number
  queuedRuns: number
  workerMemoryMb: number
  hasOwnLimits: boolean
}

/** The limits of a project: its members see them and admins set them. */
export class LimitsOfProjects {
  #parts: ProjectLimitsParts

  constructor(parts: ProjectLimitsParts) {
    this.#parts = parts
  }

  /** The caller's own project; admins may see others. */
  async show(who: Principal, projectId: string): Promise<ShownLimit[]> {
    if (!who.isAdmin && who.projectId !== projectId) throw notFound('Project', projectId)
    const limits = this.#parts.shares.of(projectId)
    const own = this.#parts.stores.projectLimits.list().find((stored) => stored.projectId === projectId)?.limits ?? {}
    const used = await this.#usedBy(projectId)
    return limitNames.map((name) => ({
      name,
      about: limitFacts[name],
      value: limits[name],
      used: used[name] ?? null,
      isOwn: name in own,
    }))
  }

  /** All known projects; for members, their own. */
  list(who: Principal): ProjectSummary[] {
    const { functions, jobs, webhooks, tokens, projectLimits } = this.#parts.stores
    const all = who.isAdmin ? null : who.projectId
    const held = {
      functions: countsOf(functions.list(all)),
      jobs: countsOf(jobs.list(all).filter(isUnfinished)),
      webhooks: countsOf(webhooks.list(all)),
      tokens: countsOf(tokens.list()),
    }
    const limited = new Set(projectLimits.list().map(({ projectId }) => projectId))
    const known = new Set([who.projectId, ...limited, ...Object.values(held).flatMap((counts) => [...counts.keys()])])
    return [...known]
      .filter((id) => who.isAdmin || id === who.projectId)
      .sort()
      .map((id) => {
        const { running, queuedRuns } = this.#parts.invocation.heldBy(id)
        return {
          id,
          functions: held.functions.get(id) ?? 0,
          jobs: held.jobs.get(id) ?? 0,
          webhooks: held.webhooks.get(id) ?? 0,
          tokens: held.tokens.get(id) ?? 0,
          running,
          queuedRuns,
          workerMemoryMb: Math.round(this.#parts.pool.heldBytes(id) / mib),
          hasOwnLimits: limited.has(id),
        }
      })
  }

  async set(who: Principal, projectId: string, limits: Partial<ProjectLimits>): Promise<ShownLimit[]> {
    requireAdmin(who, 'Setting the limits of a project')
    for (const [name, value] of Object.entries(limits)) {
      if (value !== null && value !== undefined && !(value >= 0)) throw invalid(`"${name}" must not be below 0.`)
    }
    this.#parts.shares.set(projectId, limits)
    return this.show(who, projectId)
  }

  async #usedBy(projectId: string): Promise<Partial<ProjectLimits>> {
    const { stores, packageShare, invocation, pool, ledger, meter } = this.#parts
    const { running, queuedRuns, queuedBytes } = invocation.heldBy(projectId)
    const { packages, bytes } = await packageShare.used(projectId)
    return {
      running,
      queued_runs: queuedRuns,
      queued_bytes: queuedBytes,
      worker_memory_mb: Math.round(pool.heldBytes(projectId) / mib),
      functions: stores.functions.count(projectId),
      jobs: stores.jobs.list(projectId).filter(isUnfinished).length,
      webhooks: stores.webhooks.list(projectId).length,
      sources: stores.sources.list(projectId).length,
      aliases: stores.aliases.list(projectId).length,
      secrets: stores.secrets.list(projectId).length,
      access_keys: stores.accessKeys.list().filter((key) => key.projectId === projectId).length,
      whisk_entities: stores.whiskEntities.countMade(projectId),
      packages,
      package_bytes: bytes,
      gb_seconds_per_day: Math.round(meter.today(projectId).busyGbSeconds * 1000) / 1000,
      record_bytes: await ledger.recordBytes(projectId),
    }
  }
}

function countsOf(rows: { projectId: string }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { projectId } of rows) counts.set(projectId, (counts.get(projectId) ?? 0) + 1)
  return counts
}
