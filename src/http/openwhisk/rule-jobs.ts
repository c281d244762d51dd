import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { WhiskAlarm, WhiskEntity, WhiskRule } from '../../domain/functions/openwhisk.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { minLeadMs } from '../../services/triggers/job-schedule.ts'
import type { Jobs, NewJob } from '../../services/triggers/jobs.ts'
import type { Catalogue } from './catalogue.ts'
import { objectOf } from './key-values.ts'
import { whiskBadRequest } from './whisk-error.ts'

interface Parts {
  catalogue: Catalogue
  jobs: Jobs
  clock: Pick<Clock, 'now'>
}

/** For a trigger with an alarm: one job for each of its active rules, which runs the rule's action. */
export class RuleJobs {
  readonly #parts: Parts
  /** Current work by project: concurrent changes could make two jobs for one rule. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Creates, replaces and deletes jobs to match triggers, rules and actions. `gone`: an action that is about to be deleted. */
  settle(who: Principal, gone?: string): Promise<void> {
    return this.#inTurn(who, async () => {
      for (const { name } of this.#parts.catalogue.list(who, 'rule')) await this.#settleRule(who, name, gone)
    })
  }

  /** Deletes a rule with its job. */
  remove(who: Principal, name: string): Promise<WhiskEntity> {
    return this.#inTurn(who, async () => {
      const { catalogue } = this.#parts
      const entity = catalogue.get(who, 'rule', name)
      await this.#drop(entity)
      catalogue.delete(entity)
      return entity
    })
  }

  /** Throws FaasError or WhiskError for a schedule that no job can have. */
  check({ cron, timezone, date }: WhiskAlarm): void {
    if (cron !== null) this.#parts.jobs.times.preview(cron, timezone)
    else if (date !== null && this.#hasPassed(date))
      throw whiskBadRequest('The date must be at least 60 seconds ahead.')
  }

  /** The rule may change while its job is deleted; the latest version counts. */
  async #settleRule(who: Principal, name: string, gone: string | undefined): Promise<void> {
    const { catalogue } = this.#parts
    const before = catalogue.perhaps(who, 'rule', name)
    if (before === null || this.#isSettled(who, before, gone)) return
    await this.#drop(before)
    const entity = catalogue.perhaps(who, 'rule', name)
    if (entity !== null) this.#note(entity, this.#made(who, this.#wanted(who, entity.fields.rule as WhiskRule, gone)))
  }

  #isSettled(who: Principal, { fields }: WhiskEntity, gone: string | undefined): boolean {
    const rule = fields.rule as WhiskRule
    const wanted = this.#wanted(who, rule, gone)
    if (wanted === null || rule.job === null) return wanted === null && rule.job === null
    return rule.job.key === JSON.stringify(wanted) && this.#isThere(who, rule.job.id)
  }

  /** An alarm whose only time has passed needs no job; a start time in the past is dropped. */
  #made(who: Principal, wanted: NewJob | null): WhiskRule['job'] {
    if (wanted === null) return null
    const { firstExecutionTime: first, ...always } = wanted
    const isLate = first !== undefined && this.#hasPassed(first)
    if (isLate && wanted.pattern === undefined) return null
    return { id: this.#parts.jobs.create(who, isLate ? always : wanted).id, key: JSON.stringify(wanted) }
  }

  #hasPassed(date: string): boolean {
    return Date.parse(date) < this.#parts.clock.now() + minLeadMs
  }

  async #drop({ fields }: WhiskEntity): Promise<void> {
    if (fields.rule?.job) await this.#parts.jobs.remove(fields.rule.job.id)
  }

  async #inTurn<T>({ projectId }: Principal, work: () => Promise<T>): Promise<T> {
    const own = (this.#turns.get(projectId) ?? Promise.resolve()).then(work)
    const over = own.catch(() => {})
    this.#turns.set(projectId, over)
    try {
      return await own
    } finally {
      if (this.#turns.get(projectId) === over) this.#turns.delete(projectId)
    }
  }

  #wanted(who: Principal, { trigger, action, status }: WhiskRule, gone: string | undefined): NewJob | null {
    const { catalogue } = this.#parts
    const fired = status === 'active' ? catalogue.perhaps(who, 'trigger', trigger) : null
    const alarm = fired?.fields.alarm ?? null
    const run = alarm === null ? null : catalogue.perhapsAction(who, action)
    if (fired === null || alarm === null || run === null || run.entity.name === gone) return null
    return {
      name: `${trigger} → ${action}`,
      functionId: run.fn.id,
      functionInput: JSON.stringify({ ...objectOf(fired.fields.parameters), ...alarm.payload }),
      timezone: alarm.timezone,
      ...(alarm.cron !== null && { pattern: alarm.cron }),
      ...(alarm.date !== null && { firstExecutionTime: alarm.date }),
      ...(alarm.count !== null && { count: alarm.count }),
    }
  }

  #note(entity: WhiskEntity, job: WhiskRule['job']): void {
    const rule = entity.fields.rule as WhiskRule
    if (rule.job !== null || job !== null) this.#parts.catalogue.note(entity, { rule: { ...rule, job } })
  }

  #isThere(who: Principal, jobId: string): boolean {
    try {
      return this.#parts.jobs.get(who, jobId).projectId === who.projectId
    } catch (error) {
      if (error instanceof FaasError && error.code === 'not_found') return false
      throw error
    }
  }
}
