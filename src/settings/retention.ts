import { int } from './value-kinds.ts'

export const retention = {
  keepUnusedPackagesDays: int(0)
    .default(7)
    .describe('Packages that no function or version uses any more are removed after this time.'),
  diskReserveMb: int(0)
    .default(256)
    .describe(
      'Free space of the disk of the data folder that new things leave, in MiB: below it nothing more is accepted, and what was accepted still ends well; below half of it calls are not recorded any more. 0: none.',
    ),
  keepExecutionsDays: int(0).default(30).describe('Finished executions older than this are removed; 0 keeps them.'),
  keepExecutionsPerProject: int(0)
    .default(1_000_000)
    .describe('Most finished executions that are kept of one project; 0 keeps all.'),
  keepDeadLettersDays: int(0)
    .default(90)
    .describe('Dead letters older than this become plain records, and are removed as those are; 0 keeps them.'),
  keepDeadLettersPerProject: int(1)
    .default(10_000)
    .describe('Most dead letters that are kept of one project; the oldest beyond them become plain records.'),
  keepUsageDays: int(0)
    .default(400)
    .describe('What functions used on a day (taibai usage) is kept for so many days; 0 keeps it.'),
  keepAuditDays: int(0).default(365).describe('Entries of the audit log older than this are removed; 0 keeps them.'),
  keepAuditEntries: int(0).default(100_000).describe('Most entries of the audit log that are kept; 0 keeps all.'),
}
