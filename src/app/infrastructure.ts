import { version } from '../assets.ts'
import type { Config } from '../config.ts'
import { systemClock as clock } from '../domain/clock.ts'
import { builderOf, type RuntimeManifest } from '../domain/functions/runtime.ts'
import { timeOrderedId as newId } from '../domain/ids.ts'
import type { Log } from '../domain/runs/log.ts'
import type { SpanSink } from '../domain/runs/trace.ts'
import { WorkerPool } from '../engine/pool/pool.ts'
import type { ApiOpener, SandboxEngine } from '../engine/sandbox/sandbox.ts'
import { ImageCheck } from '../engine/worker/image-check.ts'
import type { WorkerLinks } from '../engine/worker/link.ts'
import { SandboxWorkers } from '../engine/worker/worker-factory.ts'
import { makeOpenStack } from '../openstack/openstack.ts'
import { currentRules } from '../outbound/address-rules.ts'
import { HttpEventSender } from '../outbound/event-sender.ts'
import { readHostNetworks } from '../outbound/host-networks.ts'
import { hasRunBefore } from '../services/functions/has-run-before.ts'
import { FunctionTokens } from '../services/platform/function-tokens.ts'
import { ProjectShares } from '../services/platform/project-shares.ts'
import { SecretVault } from '../services/platform/secret-vault.ts'
import { newSecret } from '../services/platform/token-secret.ts'
import { UsageMeter } from '../services/runs/usage-meter.ts'
import { readDataFacts } from '../store/data-facts.ts'
import type { DataFolder } from '../store/data-folder.ts'
import type { PulledImageNotes } from '../store/pulled-images.ts'
import type { RegistryLogins } from '../store/registry-logins.ts'
import type { Infrastructure } from '../wiring/infrastructure.ts'
import {
  healthSettings,
  openStackSettings,
  poolOptions,
  projectLimits,
  reserveBytes,
  serviceSettings,
  workersParts,
} from '../wiring/settings.ts'
import type { PersistentStores } from './persistent-stores.ts'

/** Creates everything that the services of a real server depend on. */
export function makeInfrastructure(
  config: Config,
  data: DataFolder,
  manifests: RuntimeManifest[],
  {
    stores,
    ledger,
    space,
    packages,
    layers,
    backups,
    key,
    registries,
    pulled,
    spans,
  }: PersistentStores & {
    key: Buffer
    registries: RegistryLogins
    pulled: PulledImageNotes
    spans: SpanSink | undefined
  },
  { engine, links, apiOpener }: { engine: SandboxEngine; links: WorkerLinks; apiOpener: ApiOpener },
  log: Log,
): Infrastructure {
  const functionTokens = new FunctionTokens(newSecret)
  const languageVersions = new Map<string, string>()
  const meter = new UsageMeter({ store: ledger, clock })
  const shares = new ProjectShares({
    store: stores.projectLimits,
    clock,
    defaults: projectLimits(config),
    today: (...of) => meter.today(...of),
  })
  packages.tell((codeFolder) => links.prepare(codeFolder))
  const vault = openVault(key, stores, log)
  const factory = new SandboxWorkers(
    workersParts(config, manifests, {
      engine,
      links,
      packages,
      clock,
      log,
      languageVersions,
      secrets: vault,
      apiOpener,
      workerTokens: functionTokens,
    }),
  )
  return {
    stores,
    vault,
    shares,
    ledger,
    usage: ledger,
    meter,
    space,
    packages,
    backups,
    pool: new WorkerPool({
      factory,
      clock,
      log,
      options: poolOptions(config, engine),
      ranBefore: hasRunBefore(stores.functions, ledger),
      engineIsUp: () => engine.isUp,
      shares,
      meter,
    }),
    eventSender: new HttpEventSender({
      mayReach: currentRules(
        config.egressAllow,
        () => readHostNetworks(),
        () => clock.elapsed(),
      ),
      timeoutMs: config.deliveryTimeoutMs,
    }),
    builds: {
      builder: engine.builder,
      layers,
      factsOf: (image, signature) => builderOf(manifests, image, signature),
    },
    functionTokens,
    machines: engine.machines,
    engineRefusal: engine.refusal,
    bridgesImages: engine.nameBeside !== undefined,
    runtimeImages: new ImageCheck(engine, factory, languageVersions),
    health: {
      engine: () => engine.report(),
      data: () => readDataFacts(data.path, reserveBytes(config)),
      facts: { ...healthSettings(config, engine), version, startedAt: clock.now() },
    },
    imageFolders: engine.images,
    images: { engine: engine.images, pulled, highWaterBytes: config.imagesHighWaterMb * 1024 * 1024 },
    registries: { credentials: registries, check: async (secret) => engine.images?.check(secret) ?? 'unknown' },
    spans,
    openstack: config.auth === 'keystone' ? makeOpenStack(openStackSettings(config), clock, log) : null,
    clock,
    newId,
    log,
    settings: serviceSettings(config),
  }
}

/** Values encrypted with a lost key stay unreadable, which is logged; everything else works. */
function openVault(key: Buffer, stores: PersistentStores['stores'], log: Log): SecretVault {
  const vault = new SecretVault(stores.secrets, key)
  const { lost } = vault
  if (lost > 0)
    log.error({ values: lost }, 'secrets were sealed with another key: restore the secret.key that sealed them')
  return vault
}
