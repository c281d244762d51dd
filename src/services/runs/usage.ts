import type { Clock } from '../../domain/clock.ts'
import { invalid } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import { dayOf, summed, type UsageKey, type UsageStore, type UsageSum } from '../../domain/platform/usage.ts'
import type { UsageMeter } from './usage-meter.ts'

export interface UsageParts {
  store: UsageStore
  meter: Pick<UsageMeter, 'flush'>
  functions: Pick<FunctionStore, 'find'>
  clock: Clock
  /** Number of days to keep; 0: for ever. */
  keepUsageDays: number
}

export interface UsageSelection {
  /** Both included; default: from the first of this month until today. */
  fromDay?: string | undefined
  toDay?: string | undefined
  by: readonly UsageKey[]
  allProjects: boolean
}

/** `functionName`: null when the function has none, or is gone. */
export type ShownUsage = UsageSum & { functionName: string | null }

const dayMs = 86_400_000

/** Use for display: of the caller's project or, for admins, of all. */
export class Usage {
  #parts: UsageParts

  constructor(parts: UsageParts) {
    this.#parts = parts
  }

  async list(
    who: Principal,
    selection: UsageSelection,
  ): Promise<{ fromDay: string; toDay: string; rows: ShownUsage[] }> {
    const { store, meter, functions, clock } = this.#parts
    if (selection.allProjects) requireAdmin(who, 'Reading the usage of all projects')
    const today = dayOf(clock.now())
    const toDay = selection.toDay ?? today
    const fromDay = selection.fromDay ?? `${toDay.slice(0, 8)}01`
    if (fromDay > toDay) throw invalid(`"from" (${fromDay}) is after "to" (${toDay}).`)
    meter.flush()
    const rows = await store.usage({ projectId: selection.allProjects ? null : who.projectId, fromDay, toDay })
    const nameOf = (id: string | null): string | null => (id === null ? null : (functions.find(id)?.name ?? null))
    return {
      fromDay,
      toDay,
      rows: summed(rows, selection.by).map((row) => ({ ...row, functionName: nameOf(row.functionId) })),
    }
  }

  prune(): void {
    const { store, clock, keepUsageDays } = this.#parts
    if (keepUsageDays > 0) store.pruneUsage(dayOf(clock.now() - keepUsageDays * dayMs))
  }
}
