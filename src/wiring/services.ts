import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { OpenStack } from '../openstack/openstack.ts'
import { cronPatterns } from '../scheduler/cron-patterns.ts'
import { Scheduler } from '../scheduler/scheduler.ts'
import { Aliases } from '../services/functions/aliases.ts'
import { AppImages } from '../services/functions/app-images.ts'
import { Builds } from '../services/functions/builds.ts'
import { DeploymentOrder } from '../services/functions/deployment-order.ts'
import { EngineRefusals } from '../services/functions/engine-refusals.ts'
import { FunctionVersions } from '../services/functions/function-versions.ts'
import { Functions } from '../services/functions/functions.ts'
import { PackageQuota } from '../services/functions/package-quota.ts'
import { Placements } from '../services/functions/placements.ts'
import { PublicFunctions } from '../services/functions/public-functions.ts'
import { Sandboxes } from '../services/functions/sandboxes.ts'
import { Secrets } from '../services/functions/secrets.ts'
import { SwiftCode } from '../services/functions/swift-code.ts'
import { Targets } from '../services/functions/targets.ts'
import { WorkerHistory } from '../services/functions/worker-history.ts'
import { WorkerControl } from '../services/functions/workers.ts'
import { Runtimes } from '../services/platform/runtimes.ts'
import { AppQueues } from '../services/runs/app-queues.ts'
import { AsyncRequests } from '../services/runs/async-requests.ts'
import { DeadLetters } from '../services/runs/dead-letters.ts'
import { Executions } from '../services/runs/executions.ts'
import { Invocation } from '../services/runs/invocation.ts'
import { LimitsOfProjects } from '../services/runs/project-limits.ts'
import { ResultDeliveries } from '../services/runs/result-deliveries.ts'
import { ResultQueues } from '../services/runs/result-queues.ts'
import { RunEvents } from '../services/runs/run-events.ts'
import { Stats } from '../services/runs/stats.ts'
import { Traces } from '../services/runs/traces.ts'
import { Usage } from '../services/runs/usage.ts'
import { AppTimers } from '../services/triggers/app-timers.ts'
import { Dependents } from '../services/triggers/dependents.ts'
import { Jobs } from '../services/triggers/jobs.ts'
import { Sources } from '../services/triggers/sources.ts'
import { Webhooks } from '../services/triggers/webhooks.ts'
import { zipOf } from '../store/zip-of.ts'
import type { Infrastructure } from './infrastructure.ts'
import { makePlatformServices } from './platform.ts'

/** Wires the parts: each gets only the fields that it needs, by name. Server and tests use the same wiring. */

const randomSteps = 2 ** 32
export const random = (): number => randomInt(randomSteps) / randomSteps

export function makeServices(infrastructure: Infrastructure) {
  const { stores, ledger, packages, pool, runtimeImages, openstack, clock, newId, log, settings } = infrastructure
  const { functions, aliases } = stores
  const trusts = openstack?.trusts
  const placements = new Placements(infrastructure.machines)
  const engineRefusals = new EngineRefusals(infrastructure.engineRefusal)
  const targets = new Targets({
    functions,
    runtimes: stores.runtimes,
    aliases,
    bridgesImages: infrastructure.bridgesImages,
    random,
  })
  const exposed = new PublicFunctions(functions)
  const stats = new Stats({ clock })
  const events = new RunEvents()
  const scheduler = new Scheduler({ clock, log })
  const packageShare = new PackageQuota({
    functions,
    packages,
    layers: infrastructure.builds.layers,
    shares: infrastructure.shares,
  })
  const swift = openstack === null ? undefined : makeSwiftCode(infrastructure, openstack, targets, packageShare)
  const traces = makeTraces(infrastructure)
  const invocation = new Invocation({
    pool,
    ledger,
    clock,
    newId,
    log,
    trusts,
    swift,
    onEnd: (execution, revision) => {
      stats.record(execution, revision)
      traces?.end(execution, revision)
    },
    traces,
    meter: infrastructure.meter,
    events,
    queues: new AppQueues({
      functions,
      targets,
      accept: (request) => invocation.accept(request),
      limits: settings.runs,
    }),
    limits: settings.runs,
    shares: infrastructure.shares,
    random,
    onResult: (execution) => deliveries.deliver(execution),
  })
  const deliveries = new ResultDeliveries({
    ...{ ledger, invocation, targets, clock, log },
    sender: infrastructure.eventSender,
    queues: openstack === null ? undefined : new ResultQueues({ functions, ...openstack }),
    limits: settings.runs,
  })
  const asyncRequests = new AsyncRequests({ invocation, ledger })
  const runtimes = new Runtimes({
    runtimes: stores.runtimes,
    functions,
    pool,
    images: runtimeImages,
    targets,
    clock,
    newId,
    log,
  })
  const jobs = new Jobs({
    shares: infrastructure.shares,
    store: stores.jobs,
    timers: scheduler,
    patterns: cronPatterns(),
    targets,
    invocation,
    ledger,
    pool,
    clock,
    newId,
    log,
  })
  const sources = new Sources({
    shares: infrastructure.shares,
    store: stores.sources,
    targets,
    invocation,
    trusts,
    containers: openstack?.containers,
    clock,
    newId,
    log,
  })
  const inUse = new Dependents({ stores, jobs, sources })
  const order = new DeploymentOrder()
  const builds = new Builds({
    ...infrastructure.builds,
    share: packageShare,
    store: stores.builds,
    packages,
    runtimes: stores.runtimes,
    secrets: stores.secrets,
    vault: infrastructure.vault,
    clock,
    newId,
    log,
    rules: settings.builds,
  })
  const workerHistory = new WorkerHistory({ pool, starts: stats.starts, clock })
  const findings = () => [placements, engineRefusals].flatMap((each) => each.findings(functions.list(null)))
  return {
    targets,
    exposed,
    stats,
    events,
    scheduler,
    invocation,
    runtimes,
    builds,
    jobs,
    sources,
    secrets: new Secrets({
      shares: infrastructure.shares,
      secrets: stores.secrets,
      functions,
      inUse,
      targets,
      pool,
      vault: infrastructure.vault,
      clock,
      newId,
    }),
    functions: new Functions({
      shares: infrastructure.shares,
      packageShare,
      functions,
      secrets: stores.secrets,
      inUse,
      appTimers: new AppTimers({ store: stores.jobs, jobs, patterns: cronPatterns(), shares: infrastructure.shares }),
      packages,
      builds,
      order,
      zipOf,
      appImages: new AppImages({
        engine: infrastructure.imageFolders,
        limits: settings.functions,
        maxBytes: settings.maxAppBytes,
      }),
      runtimes,
      targets,
      exposed,
      placements,
      engineRefusals,
      sandboxes: new Sandboxes({
        allowed: settings.sandboxes,
        ofEngine: async () => (await infrastructure.health.engine()).ociRuntimes,
      }),
      pool,
      ledger,
      clock,
      newId,
      limits: settings.functions,
      trusts,
      swift,
    }),
    versions: new FunctionVersions({
      functions,
      inUse,
      packages,
      order,
      targets,
      pool,
      ledger,
      clock,
      newId,
      maxVersions: settings.maxVersions,
    }),
    aliases: new Aliases({ aliases, functions, inUse, targets, clock, newId, shares: infrastructure.shares }),
    shares: infrastructure.shares,
    usage: new Usage({
      ...{ store: infrastructure.usage, meter: infrastructure.meter, functions, clock },
      keepUsageDays: settings.keepUsageDays,
    }),
    limits: new LimitsOfProjects({
      ...{ shares: infrastructure.shares, stores, packageShare, invocation, pool, ledger },
      meter: infrastructure.meter,
    }),
    workers: new WorkerControl({ functions, targets, pool, history: workerHistory }),
    workerHistory,
    asyncRequests,
    deliveries,
    executions: new Executions({
      ...{ ledger, invocation, asyncRequests, targets, retention: settings.retention, clock, log },
      hasKeystone: openstack !== null,
      maxBytesOf: (projectId) => infrastructure.shares.limitOf(projectId, 'record_bytes'),
    }),
    deadLetters: new DeadLetters({ ledger, invocation, targets, now: () => clock.now() }),
    // Everybody who knows a webhook's id may call it, so all of the id is random.
    webhooks: new Webhooks({
      shares: infrastructure.shares,
      store: stores.webhooks,
      secrets: stores.secrets,
      vault: infrastructure.vault,
      targets,
      clock,
      newId: randomUUID,
      defaultRate: settings.webhookRate,
    }),
    ...makePlatformServices(infrastructure, findings),
    lambdaSettings: stores.lambdaSettings,
    whiskEntities: stores.whiskEntities,
    packages,
  }
}

const makeTraces = ({ spans, settings: { traceRatio: ratio } }: Infrastructure): Traces | undefined =>
  spans && new Traces({ sink: spans, newId: (bytes) => randomBytes(bytes).toString('hex'), ratio, random })

export type Services = ReturnType<typeof makeServices>

function makeSwiftCode(
  infrastructure: Infrastructure,
  { trusts, objects }: OpenStack,
  targets: Targets,
  packageShare: PackageQuota,
): SwiftCode {
  const { stores, packages, pool, clock, log, settings } = infrastructure
  const { functions } = stores
  const limits = settings.swift
  return new SwiftCode({ functions, packages, packageShare, targets, pool, trusts, objects, clock, log, limits })
}
