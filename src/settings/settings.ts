import { z } from 'zod'
import { access } from './access.ts'
import { asyncExecutions } from './async-executions.ts'
import { backups } from './backups.ts'
import { builds } from './builds.ts'
import { engine } from './engine.ts'
import { functionLimits } from './function-limits.ts'
import { openstack } from './openstack.ts'
import { projectLimits } from './project-limits.ts'
import { retention } from './retention.ts'
import { server } from './server.ts'
import { sizes } from './sizes.ts'
import { traces } from './traces.ts'
import { workerLimits } from './worker-limits.ts'
import { workers } from './workers.ts'

/** All settings: one row each, with schema, default and description. */
export const settings = z.object({
  ...server,
  ...traces,
  ...access,
  ...openstack,
  ...engine,
  ...builds,
  ...workers,
  ...workerLimits,
  ...functionLimits,
  ...sizes,
  ...asyncExecutions,
  ...backups,
  ...projectLimits,
  ...retention,
})

/** By subject, in the order of docs/settings.md. */
const subjects: Record<string, Partial<typeof settings.shape>> = {
  'The server': server,
  Traces: traces,
  Access: access,
  OpenStack: openstack,
  'The engine': engine,
  Builds: builds,
  'Workers and their memory': workers,
  'Limits of a worker': workerLimits,
  'Limits of a function': functionLimits,
  'Sizes of requests and results': sizes,
  'Async executions': asyncExecutions,
  Backups: backups,
  'Limits of projects': projectLimits,
  Retention: retention,
}

const subjectBySetting = new Map(
  Object.entries(subjects).flatMap(([subject, rows]) => Object.keys(rows).map((name) => [name, subject])),
)

export const subjectOf = (setting: string): string => subjectBySetting.get(setting) ?? ''
