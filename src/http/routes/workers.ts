import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { sampleEveryMs, workerStates } from '../../services/functions/worker-history.ts'
import type { MeasuredWorker, WorkerControl } from '../../services/functions/workers.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { EndpointDescription } from '../endpoint-description.ts'
import { integer, integerParam, parseFields } from '../fields.ts'
import type { Ctx } from '../request-context.ts'

const tag = 'workers'
const amount = z.object({ count: integer('Number of workers; default 1.') })
const listed = z.object({
  workers: z.array(z.object({ function_id: z.string(), function_version: z.int(), worker_name: z.string() })),
})

const keptWorker = z
  .object({
    worker_name: z.string(),
    function_id: z.string().nullable().openapi({ description: 'Null: it waits for any function of its image.' }),
    function_name: z.string().nullable(),
    function_version: z.int().nullable(),
    image: z.string(),
    state: z.enum(['busy', 'idle', 'paused', 'leaving', 'generic']),
    memory: z.int().openapi({ description: 'Bytes that are reserved for it.' }),
    memory_used: z.int().nullable().openapi({
      description:
        'Bytes that it uses now, measured for this answer, without what the kernel may reclaim. Null: not known.',
    }),
    calls: z.int(),
    idle_seconds: z.number().nullable(),
    eviction: z
      .int()
      .nullable()
      .openapi({ description: '1: the next one to be evicted; null: it is not evicted now.' }),
    worth: z.number().nullable().openapi({
      description:
        'Milliseconds of cold starts that keeping it is expected to save, per second and MiB; the lowest is evicted first.',
    }),
    saves: z.number().nullable().openapi({ description: 'The same for all its memory: milliseconds per hour.' }),
  })
  .openapi('KeptWorker')
const kept = z.object({
  memory: z
    .object({ budget: z.int(), reserved: z.int(), used: z.int().nullable() })
    .openapi({ description: 'Bytes of all workers; used: of those whose memory is known, null: of none.' }),
  waiting_calls: z.int(),
  workers: z.array(keptWorker).openapi({ description: 'In the order of eviction.' }),
})

const perSample = z.array(z.int())
const history = z
  .object({
    every_seconds: z.int(),
    budget: z.int().openapi({ description: 'Maximum of the memory of all workers, in bytes.' }),
    times: z.array(z.string()).openapi({ description: 'The oldest first; every other list has one value for each.' }),
    reserved: perSample.openapi({ description: 'Bytes of all workers, including those that are being started.' }),
    states: z.object({ busy: perSample, idle: perSample, paused: perSample, generic: perSample, leaving: perSample }),
    functions: z
      .array(z.object({ function_id: z.string(), function_name: z.string().nullable(), memory: perSample }))
      .openapi({ description: 'Those that used the most memory, the largest first.' }),
    starts: z
      .object({ warm: perSample, prewarmed: perSample, cold: perSample })
      .openapi({ description: 'Starts of calls that ended since the previous time.' }),
    waiting_calls: perSample,
  })
  .openapi('WorkerHistory')

/** The routes of a function and those of one version do the same; without a number the version is 0. */
const bases = ['/v1/functions/:id', '/v1/functions/:id/versions/:number'] as const
type Base = (typeof bases)[number]

export function bindWorkers(app: HttpApp, workers: WorkerControl, settings: { maxBodyBytes: number }): void {
  const countOf = async (c: Ctx): Promise<number | undefined> =>
    parseFields(amount, await readObject(c, settings.maxBodyBytes)).count

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/functions/:id/workers',
      tag,
      summary: 'List the workers of a function version (admin)',
      query: z.object({ function_version: z.string().optional().openapi({ description: 'Default 0.' }) }),
      answers: { 200: listed },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const found = workers.list(c.get('who'), c.req.param('id'), versionQuery(c))
      return c.json({ workers: found.map(asShown) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/workers',
      tag,
      summary: 'List all workers in the order of eviction (admin)',
      answers: { 200: kept },
      refusals: ['forbidden'],
    },
    async (c) => {
      const { workers: found, memory } = await workers.kept(c.get('who'))
      return c.json({
        memory: { budget: memory.budgetBytes, reserved: memory.reservedBytes, used: usedBy(found) },
        waiting_calls: memory.waitingCalls,
        workers: found.map(keptJson),
      })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/workers/history',
      tag,
      summary:
        'Show the memory of the workers and the starts of calls over the last 15 minutes, at most since the server started (admin)',
      answers: { 200: history },
      refusals: ['forbidden'],
    },
    (c) => c.json(historyJson(workers.history(c.get('who')))),
  )

  for (const base of bases) {
    endpoint(app, scale(`${base}/scale_up`, 'Bind more idle workers, in the background (admin)'), async (c) => {
      const { id, version } = target(c)
      workers.scaleUp(c.get('who'), id, version, await countOf(c))
      return c.body(null, 202)
    })

    endpoint(app, scale(`${base}/scale_down`, 'Drop idle workers, but keep one (admin)'), async (c) => {
      const { id, version } = target(c)
      workers.scaleDown(c.get('who'), id, version, await countOf(c))
      return c.body(null, 202)
    })

    endpoint(app, { ...action(`${base}/detach`, 'Drop all workers (admin)') }, (c) => {
      const { id, version } = target(c)
      workers.detach(c.get('who'), id, version)
      return c.body(null, 202)
    })
  }
}

const usedBy = (workers: MeasuredWorker[]): number | null => {
  const known = workers.flatMap(({ memoryUsedBytes }) => memoryUsedBytes ?? [])
  return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0)
}

const mib = 1024 * 1024
const hourSeconds = 3600

function keptJson(worker: MeasuredWorker, at: number): z.output<typeof keptWorker> {
  const { worth, memoryBytes, idleMs } = worker
  return {
    worker_name: worker.name,
    function_id: worker.functionId,
    function_name: worker.functionName,
    function_version: worker.functionVersion,
    image: worker.image,
    state: worker.state as z.output<typeof keptWorker>['state'],
    memory: memoryBytes,
    memory_used: worker.memoryUsedBytes,
    calls: worker.calls,
    idle_seconds: idleMs === null ? null : Math.round(idleMs / 1000),
    eviction: worth === null ? null : at + 1,
    worth,
    saves: worth === null ? null : (worth * memoryBytes * hourSeconds) / mib,
  }
}

function historyJson({
  samples,
  functions,
  budgetBytes,
}: ReturnType<WorkerControl['history']>): z.output<typeof history> {
  const each = (value: (sample: (typeof samples)[number]) => number) => samples.map(value)
  return {
    every_seconds: sampleEveryMs / 1000,
    budget: budgetBytes,
    times: samples.map(({ atMs }) => new Date(atMs).toISOString()),
    reserved: each(({ reservedBytes }) => reservedBytes),
    states: byName(workerStates, (state) => each(({ states }) => states[state])),
    functions: functions.map(({ id, name }) => ({
      function_id: id,
      function_name: name,
      memory: each((sample) => sample.functions.get(id) ?? 0),
    })),
    starts: byName(['warm', 'prewarmed', 'cold'], (kind) => each(({ starts }) => starts[kind])),
    waiting_calls: each(({ waitingCalls }) => waitingCalls),
  }
}

const byName = <Name extends string, T>(names: readonly Name[], value: (name: Name) => T) =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, T>

const action = (path: `${Base}/${string}`, summary: string): EndpointDescription<string> => ({
  method: 'post',
  path,
  tag,
  summary,
  answers: { 202: 'nothing' },
  refusals: ['invalid_request', 'forbidden', 'not_found'],
})

const scale = (path: `${Base}/${string}`, summary: string): EndpointDescription<string> => ({
  ...action(path, summary),
  body: amount,
  refusals: ['invalid_request', 'forbidden', 'not_found', 'runtime_unavailable', 'unsupported_media_type'],
})

function target(c: Ctx): { id: string; version: number } {
  const { id = '', number } = c.req.param() as { id?: string; number?: string }
  return { id, version: number === undefined ? 0 : integerParam('version', number) }
}

function versionQuery(c: Ctx): number {
  const { function_version: version, ...others } = c.req.query()
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw invalid(`${JSON.stringify(unknown)} is not a parameter here; the only one is function_version.`)
  return version === undefined ? 0 : integerParam('function_version', version)
}

const asShown = (worker: { functionId: string; functionVersion: number; workerName: string }) => ({
  function_id: worker.functionId,
  function_version: worker.functionVersion,
  worker_name: worker.workerName,
})
