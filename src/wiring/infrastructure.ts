import type { Clock } from '../domain/clock.ts'
import type { PackageStore } from '../domain/functions/function.ts'
import type { ImageFolders } from '../domain/functions/image-use.ts'
import type { RuntimeImages } from '../domain/functions/runtime.ts'
import type { NewId } from '../domain/ids.ts'
import type { BackupStore } from '../domain/platform/backup.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import type { Machines } from '../domain/platform/machine.ts'
import type { UsageStore } from '../domain/platform/usage.ts'
import type { Pool } from '../domain/platform/worker.ts'
import type { Ledger } from '../domain/runs/execution.ts'
import type { Log } from '../domain/runs/log.ts'
import type { SpanSink } from '../domain/runs/trace.ts'
import type { EventSender } from '../domain/triggers/cloud-event.ts'
import type { OpenStack } from '../openstack/openstack.ts'
import type { BuildsParts } from '../services/functions/builds.ts'
import type { EngineCheck } from '../services/functions/engine-refusals.ts'
import type { FunctionLimits } from '../services/functions/function-fields.ts'
import type { BuildRules } from '../services/functions/running-builds.ts'
import type { SwiftCodeParts } from '../services/functions/swift-code.ts'
import type { AuditRules } from '../services/platform/audit-log.ts'
import type { BackupsParts } from '../services/platform/backups.ts'
import type { FunctionTokens } from '../services/platform/function-tokens.ts'
import type { HealthParts } from '../services/platform/health.ts'
import type { ImagesParts } from '../services/platform/images.ts'
import type { ProjectShares } from '../services/platform/project-shares.ts'
import type { RegistriesParts } from '../services/platform/registries.ts'
import type { SecretVault } from '../services/platform/secret-vault.ts'
import type { ExecutionsParts } from '../services/runs/executions.ts'
import type { InvocationParts } from '../services/runs/invocation.ts'
import type { UsageMeter } from '../services/runs/usage-meter.ts'
import type { Stores } from './stores.ts'

/** What the services depend on. Tests replace some of it. */
export interface Infrastructure {
  stores: Stores
  vault: SecretVault
  shares: ProjectShares
  ledger: Ledger
  usage: UsageStore
  meter: UsageMeter
  space: DiskSpace
  packages: PackageStore
  backups: BackupStore
  pool: Pool
  builds: Pick<BuildsParts, 'builder' | 'layers' | 'factsOf'>
  functionTokens: FunctionTokens
  runtimeImages: RuntimeImages
  eventSender: EventSender
  /** Inputs of the health checks. */
  health: Pick<HealthParts, 'engine' | 'data' | 'facts'>
  /** Null: the engine has no images. */
  imageFolders: ImageFolders | null
  images: Pick<ImagesParts, 'engine' | 'pulled' | 'highWaterBytes'>
  registries: Pick<RegistriesParts, 'credentials' | 'check'>
  /** Absent: workers run on this machine alone. */
  machines?: Machines | undefined
  engineRefusal?: EngineCheck | undefined
  /** True when the engine starts a helper beside each image. */
  bridgesImages?: boolean | undefined
  /** Null: without Keystone. */
  openstack: OpenStack | null
  /** Receives the spans of executions; absent: no traces. */
  spans?: SpanSink
  clock: Clock
  newId: NewId
  log: Log
  settings: ServiceSettings
}

/** Settings that the health checks use. */
export type HealthSettings = Pick<HealthParts['facts'], 'memory' | 'backupEveryHours'>

export interface ServiceSettings {
  functions: FunctionLimits
  /** Limit of an app that is taken out of an image. */
  maxAppBytes: number
  /** OCI runtimes that functions may request. */
  sandboxes: string[]
  swift: SwiftCodeParts['limits']
  runs: InvocationParts['limits']
  retention: ExecutionsParts['retention']
  backups: BackupsParts['rules']
  builds: BuildRules
  audit: AuditRules
  /** Share of the traces begun here that are kept. */
  traceRatio: number
  /** Days for which usage is kept; 0: for ever. */
  keepUsageDays: number
  /** Limit of versions of one function. */
  maxVersions: number
  /** Calls per second of a webhook without a rate of its own. */
  webhookRate: number
}
