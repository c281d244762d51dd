import { addUsed, type UsageFilter, type UsageRow, type UsageStore } from '../../src/domain/platform/usage.ts'

/** Usage in memory. */
export class FakeUsage implements UsageStore {
  rows: UsageRow[] = []

  addUsage(rows: UsageRow[]): void {
    for (const row of rows) {
      const known = this.rows.find(({ day, functionId }) => day === row.day && functionId === row.functionId)
      if (known === undefined) this.rows.push({ ...row })
      else addUsed(known, row)
    }
  }

  async usage({ projectId, fromDay, toDay }: UsageFilter): Promise<UsageRow[]> {
    return this.rows.filter(
      (row) => (projectId === null || row.projectId === projectId) && row.day >= fromDay && row.day <= toDay,
    )
  }

  usageOfDay(day: string): UsageRow[] {
    return this.rows.filter((row) => row.day === day)
  }

  pruneUsage(beforeDay: string): void {
    this.rows = this.rows.filter(({ day }) => day >= beforeDay)
  }
}
