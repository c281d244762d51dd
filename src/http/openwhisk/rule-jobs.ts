import { FaasError } from '../../domain/errors.ts'
import type { WhiskAlarm, WhiskEntity, WhiskRule } from '../../domain/openwhisk.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Jobs, NewJob } from '../../services/triggers/jobs.ts'
import type { Catalogue } from './catalogue.ts'
import { objectOf } from './key-values.ts'

interface Parts {
  catalogue: Catalogue
  jobs: Jobs
}

/** A trigger that an alarm fires is a job for each of its active rules, which runs the rule's action. */
export class RuleJobs {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Makes, replaces and removes jobs until they are what triggers, rules and actions say. `gone`: an action that is about to go. */
  async settle(who: Principal, gone?: string): Promise<void> {
    for (const entity of this.#parts.catalogue.list(who, 'rule')) {
      const wanted = this.#wanted(who, entity.fields.rule as WhiskRule, gone)
      const key = wanted === null ? null : JSON.stringify(wanted)
      const { job = null } = entity.fields.rule ?? {}
      if (job !== null && job.key === key && this.#isThere(who, job.id)) continue
      await this.drop(entity)
      this.#note(entity, wanted === null ? null : { id: this.#parts.jobs.create(who, wanted).id, key: key as string })
    }
  }

  /** Removes the job of a rule. */
  async drop({ fields }: WhiskEntity): Promise<void> {
    if (fields.rule?.job) await this.#parts.jobs.remove(fields.rule.job.id)
  }

  /** Throws FaasError for a schedule that no job can have. */
  check({ cron, timezone }: WhiskAlarm): void {
    if (cron !== null) this.#parts.jobs.preview(cron, timezone)
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
