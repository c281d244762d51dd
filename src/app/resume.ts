import type { RuntimeManifest } from '../domain/functions/runtime.ts'
import type { Pool } from '../domain/platform/worker.ts'
import type { Log } from '../domain/runs/log.ts'
import type { Targets } from '../services/functions/targets.ts'
import type { Infrastructure } from '../wiring/infrastructure.ts'
import type { Services } from '../wiring/services.ts'
import { settleReplacements } from './interrupted-replacements.ts'

const pruneEveryMs = 3_600_000
const noteUsesEveryMs = 60_000

/** Continues the work of an earlier process: runtimes, accepted executions, jobs; then starts the housekeeping. */
export function resume(
  { stores, packages, pool, meter, log }: Infrastructure,
  services: Services,
  { manifests, further }: { manifests: RuntimeManifest[]; further: ReadonlyMap<string, string> },
  opened: (() => unknown)[],
): void {
  const {
    runtimes,
    invocation,
    deliveries,
    targets,
    jobs,
    sources,
    scheduler,
    executions,
    images,
    tokens,
    audit,
    usage,
    workerHistory,
  } = services
  settleReplacements({ ...stores, log })
  runtimes.registerBuiltin(manifests, further)
  runtimes.resume()
  const recovered = invocation.recover((projectId, ref) => targets.resolveIn(projectId, ref), jobs.runs.follow)
  deliveries.start()
  if (recovered > 0) log.info({ executions: recovered }, 'going on with accepted executions')
  for (const fn of stores.functions.list(null)) if (fn.minWorkers > 0) keepWarm(targets, pool, fn.id, log)
  scheduler.start({
    onDue: (due, nowMs) => void jobs.runs.fire(due, nowMs),
    onSoon: (soon) => jobs.runs.expect(soon),
    onSetBack: (backMs, nowMs) => jobs.runs.setBack(backMs, nowMs),
  })
  jobs.runs.start()
  meter.start(() => pool.noteHeld())
  opened.push(() => meter.close())
  workerHistory.start()
  opened.push(() => workerHistory.close())
  sources.polls.start()
  void services.backups.start()
  services.builds.start()
  const prune = () =>
    void Promise.all([
      executions.prune(),
      packages.prune(stores.functions.packageHashes()),
      images.collect(),
      services.builds.prune(),
      Promise.resolve().then(() => audit.prune()),
      Promise.resolve().then(() => usage.prune()),
    ]).catch((error: unknown) => log.error({ err: error }, 'pruning failed'))
  prune()
  const timer = setInterval(prune, pruneEveryMs).unref()
  const usesTimer = setInterval(() => tokens.noteUses(), noteUsesEveryMs).unref()
  opened.push(() => {
    clearInterval(timer)
    clearInterval(usesTimer)
    tokens.noteUses()
  })
}

function keepWarm(targets: Targets, pool: Pool, functionId: string, log: Log): void {
  try {
    pool.keep(targets.resolveIn('', { functionId }).revision)
  } catch (error) {
    log.warn({ function: functionId, err: error }, 'a function with min_workers cannot be kept warm')
  }
}
