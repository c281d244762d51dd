import type { DocPage } from '../domain/platform/doc-page.ts'
import { type Authenticate, openPrincipal } from '../domain/platform/principal.ts'
import type { SettingInEffect } from '../domain/platform/setting.ts'
import { TokenThrottle } from '../http/access/token-throttle.ts'
import { Bodies } from '../http/connection/bodies.ts'
import { RefusalCounters } from '../http/error-response.ts'
import type { HttpParts } from '../http/server.ts'
import type { HttpSettings } from '../http/settings.ts'
import { isWorkerToken } from '../services/platform/function-tokens.ts'
import { isOwnToken } from '../services/platform/token-secret.ts'
import type { Tokens } from '../services/platform/tokens.ts'
import type { Infrastructure } from './infrastructure.ts'
import { random, type Services } from './services.ts'

/** The parts of the HTTP side, and how it authenticates callers. */

export function httpParts(
  {
    pool,
    clock,
    ledger,
    newId,
    log,
    space,
  }: Pick<Infrastructure, 'pool' | 'clock' | 'ledger' | 'newId' | 'log' | 'space'>,
  services: Services,
  options: {
    authenticate: Authenticate
    isReady(): boolean
    engineIsUp(): boolean
    freeBytes(): number
    reserveBytes: number
    version: string
    settingsInEffect(): SettingInEffect[]
    docs(): DocPage[]
    consoleFile(name: string): Buffer | null
    settings: HttpSettings
  },
): HttpParts {
  const { invocation, scheduler } = services
  return {
    runtimes: services.runtimes,
    functions: services.functions,
    builds: services.builds,
    versions: services.versions,
    aliases: services.aliases,
    workers: services.workers,
    executions: services.executions,
    asyncRequests: services.asyncRequests,
    deadLetters: services.deadLetters,
    jobs: services.jobs,
    webhooks: services.webhooks,
    sources: services.sources,
    secrets: services.secrets,
    stats: services.stats,
    usage: services.usage,
    events: services.events,
    tokens: services.tokens,
    accessKeys: services.accessKeys,
    lambdaSettings: services.lambdaSettings,
    whiskEntities: services.whiskEntities,
    packages: services.packages,
    audit: services.audit,
    backups: services.backups,
    health: services.health,
    images: services.images,
    registries: services.registries,
    targets: services.targets,
    exposed: services.exposed,
    bodies: new Bodies(options.settings.maxBodiesBytes, services.shares),
    limits: services.limits,
    shares: services.shares,
    invocation,
    gauges: () => ({
      ...invocation.unfinishedCount(),
      jobs: scheduler.size,
      jobLateness: services.jobs.runs.lateness,
      workers: pool.workers(),
      pool: pool.vitals(),
      ledger: ledger.vitals(),
      freeBytes: options.freeBytes(),
      reserveBytes: options.reserveBytes,
      engineIsUp: options.engineIsUp(),
      version: options.version,
    }),
    refusals: new RefusalCounters(),
    authenticate: options.authenticate,
    isReady: options.isReady,
    settingsInEffect: options.settingsInEffect,
    docs: options.docs,
    consoleFile: options.consoleFile,
    clock,
    random,
    wrongTokens: new TokenThrottle(options.settings, () => clock.elapsed()),
    space,
    newId,
    log,
    settings: options.settings,
  }
}

/** With Keystone, our own tokens are valid too: the admin, tools and functions have no others. */
export function authenticationBy(
  tokens: Tokens,
  { openstack, functionTokens }: Pick<Infrastructure, 'openstack' | 'functionTokens'>,
): Authenticate {
  return (token) => {
    if (token !== null && isWorkerToken(token)) return functionTokens.authenticate(token)
    const who = tokens.authenticate(token)
    if (who !== null || openstack === null || token === null || isOwnToken(token)) return who
    return openstack.authenticate(token)
  }
}

/** Open mode: everybody may do everything, but a caller with a function's token is that function. */
export const openTo =
  ({ functionTokens }: Pick<Infrastructure, 'functionTokens'>): Authenticate =>
  (token) =>
    token !== null && isWorkerToken(token) ? functionTokens.authenticate(token) : openPrincipal
