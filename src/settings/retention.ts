import { int } from './value-kinds.ts'

export const retention = {
  keepUnusedPackagesDays: int(0)
    .default(7)
    .describe('Packages that no function or version uses are removed after this time.'),
  diskReserveMb: int(0)
    .default(256)
    .describe(
      "Reserved free space on the data folder's disk, in MiB: below it nothing new is accepted, while accepted executions still end normally; below half of it calls are no longer recorded. 0: none.",
    ),
  keepExecutionsDays: int(0).default(30).describe('Age after which finished executions are removed; 0 keeps them.'),
  keepExecutionsPerProject: int(0)
    .default(1_000_000)
    .describe('Maximum number of finished executions that are kept for one project; 0 keeps all.'),
  keepDeadLettersDays: int(0)
    .default(90)
    .describe(
      'Age after which dead letters become plain execution records, which are removed like all others; 0 keeps them.',
    ),
  keepDeadLettersPerProject: int(1)
    .default(10_000)
    .describe(
      'Maximum number of dead letters that are kept for one project; the oldest ones above it become plain execution records.',
    ),
  keepUsageDays: int(0)
    .default(400)
    .describe('Number of days for which the daily usage of functions (taibai usage) is kept; 0 keeps it.'),
  keepAuditDays: int(0).default(365).describe('Age after which entries of the audit log are removed; 0 keeps them.'),
  keepAuditEntries: int(0)
    .default(100_000)
    .describe('Maximum number of entries of the audit log that are kept; 0 keeps all.'),
}
