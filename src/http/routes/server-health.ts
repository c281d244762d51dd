import { z } from '@hono/zod-openapi'
import { findingStates } from '../../domain/platform/finding.ts'
import type { Health, HealthReport } from '../../services/platform/health.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { shownTime } from '../time.ts'

const state = z.enum(findingStates)
const finding = z.object({
  area: z.string(),
  state,
  says: z.string(),
  remedy: z.string().nullable().openapi({ description: 'What to do about it.' }),
})

const shown = z
  .object({
    version: z.string(),
    started_at: z.string(),
    now: z.string().openapi({ description: 'The clock of the server.' }),
    state: state.openapi({ description: 'The worst of the findings.' }),
    findings: z.array(finding),
    engine: z
      .object({
        name: z.string(),
        version: z.string(),
        api_version: z.string().nullable(),
        cgroup_version: z.string().nullable(),
        rootless: z.boolean(),
        storage: z.string().nullable(),
        oci_runtimes: z.array(z.string()),
      })
      .nullable()
      .openapi({ description: 'Null: it does not answer.' }),
    data: z.object({
      path: z.string(),
      free_bytes: z.int(),
      total_bytes: z.int(),
      databases: z.array(z.object({ name: z.string(), size_bytes: z.int() })),
    }),
    memory: z.object({ budget_bytes: z.int(), reserved_bytes: z.int(), host_bytes: z.int() }),
    last_backup_at: z.string().nullable(),
  })
  .openapi('Health')

/** The installation's state, checked on request. */
export function bindServerHealth(app: HttpApp, health: Health): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/health',
      tag: 'health',
      summary: 'Check the installation: problems and how to solve them (admin)',
      description: 'Asks the engine, looks at the data folder. For people and programs; load balancers ask /readyz.',
      answers: { 200: shown },
      refusals: ['forbidden'],
    },
    async (c) => c.json(asShown(await health.report(c.get('who')))),
  )
}

function asShown({ engine, data, memory, ...report }: HealthReport): z.output<typeof shown> {
  const { version, startedAt, now, state, findings, lastBackupAt } = report
  return {
    version,
    started_at: shownTime(startedAt),
    now: shownTime(now),
    state,
    findings,
    engine:
      engine === null
        ? null
        : {
            name: engine.name,
            version: engine.version,
            api_version: engine.apiVersion,
            cgroup_version: engine.cgroupVersion,
            rootless: engine.isRootless,
            storage: engine.storage,
            oci_runtimes: engine.ociRuntimes,
          },
    data: {
      path: data.path,
      free_bytes: data.freeBytes,
      total_bytes: data.totalBytes,
      databases: data.databases.map(({ name, sizeBytes }) => ({ name, size_bytes: sizeBytes })),
    },
    memory: {
      budget_bytes: memory.budgetBytes,
      reserved_bytes: memory.reservedBytes,
      host_bytes: memory.hostBytes,
    },
    last_backup_at: shownTime(lastBackupAt),
  }
}
