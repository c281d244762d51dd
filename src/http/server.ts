import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../domain/clock.ts'
import type { PackageStore } from '../domain/functions/function.ts'
import type { LambdaSettingsStore } from '../domain/functions/lambda-settings.ts'
import type { WhiskEntityStore } from '../domain/functions/openwhisk.ts'
import type { AuditedChange } from '../domain/platform/audit.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import type { DocPage } from '../domain/platform/doc-page.ts'
import type { Shares } from '../domain/platform/limits.ts'
import type { Authenticate, Principal } from '../domain/platform/principal.ts'
import type { SettingInEffect } from '../domain/platform/setting.ts'
import type { Log } from '../domain/runs/log.ts'
import type { Aliases } from '../services/functions/aliases.ts'
import type { Builds } from '../services/functions/builds.ts'
import type { FunctionVersions } from '../services/functions/function-versions.ts'
import type { Functions } from '../services/functions/functions.ts'
import type { Secrets } from '../services/functions/secrets.ts'
import type { WorkerControl } from '../services/functions/workers.ts'
import type { AccessKeys } from '../services/platform/access-keys.ts'
import type { AuditLog } from '../services/platform/audit-log.ts'
import type { Backups } from '../services/platform/backups.ts'
import type { Health } from '../services/platform/health.ts'
import type { Images } from '../services/platform/images.ts'
import type { Registries } from '../services/platform/registries.ts'
import type { Runtimes } from '../services/platform/runtimes.ts'
import type { Tokens } from '../services/platform/tokens.ts'
import type { DeadLetters } from '../services/runs/dead-letters.ts'
import type { Executions } from '../services/runs/executions.ts'
import type { LimitsOfProjects } from '../services/runs/project-limits.ts'
import type { RunEvents } from '../services/runs/run-events.ts'
import type { Stats } from '../services/runs/stats.ts'
import type { Usage } from '../services/runs/usage.ts'
import type { Jobs } from '../services/triggers/jobs.ts'
import type { Sources } from '../services/triggers/sources.ts'
import type { Webhooks } from '../services/triggers/webhooks.ts'
import type { TokenThrottle } from './access/token-throttle.ts'
import { ReadTurns } from './connection/read-turns.ts'
import type { HttpApp } from './endpoint.ts'
import { errorResponse, ownHeaders, type RefusalCounters } from './error-response.ts'
import { authentication } from './middleware/auth.ts'
import { refuseHead } from './middleware/head.ts'
import type { Gauges } from './pages/metrics-text.ts'
import { makeMethodsOf, makeNeedsToken, makeNotFound } from './pages/not-found.ts'
import type { Env } from './request-context.ts'
import { bindAccessKeys } from './routes/access-keys.ts'
import { bindAliases } from './routes/aliases.ts'
import { bindAudit } from './routes/audit.ts'
import { bindBackups } from './routes/backups.ts'
import { bindBuilds } from './routes/builds.ts'
import { bindConsole } from './routes/console.ts'
import { bindDeadLetters } from './routes/dead-letters.ts'
import { bindDocs } from './routes/docs.ts'
import { bindEvents } from './routes/events.ts'
import { bindExecutions } from './routes/executions.ts'
import { bindFunctionVersions } from './routes/function-versions.ts'
import { bindFunctions } from './routes/functions.ts'
import { bindHealth } from './routes/health.ts'
import { bindHistory } from './routes/history.ts'
import { bindImages } from './routes/images.ts'
import { describeInvoke, type InvokeParts } from './routes/invoke.ts'
import { bindJobs } from './routes/jobs.ts'
import { bindLimits } from './routes/limits.ts'
import { bindOpenApi } from './routes/openapi.ts'
import { bindRegistries } from './routes/registries.ts'
import { bindRuntimes } from './routes/runtimes.ts'
import { bindSecrets } from './routes/secrets.ts'
import { bindServerHealth } from './routes/server-health.ts'
import { bindSettings } from './routes/settings.ts'
import { bindSources } from './routes/sources.ts'
import { bindStats } from './routes/stats.ts'
import { bindTokens } from './routes/tokens.ts'
import { bindUsage } from './routes/usage.ts'
import { bindVersionsRoot } from './routes/versions-root.ts'
import { bindWebhookInvoke } from './routes/webhook-invoke.ts'
import { bindWebhooks } from './routes/webhooks.ts'
import { bindWhoAmI } from './routes/whoami.ts'
import { bindWorkers } from './routes/workers.ts'
import type { HttpSettings } from './settings.ts'

export interface HttpParts extends InvokeParts {
  runtimes: Runtimes
  functions: Functions
  builds: Builds
  versions: FunctionVersions
  aliases: Aliases
  workers: WorkerControl
  executions: Executions
  deadLetters: DeadLetters
  jobs: Jobs
  webhooks: Webhooks
  sources: Sources
  secrets: Secrets
  limits: LimitsOfProjects
  shares: Pick<Shares, 'refuseMore'>
  stats: Stats
  usage: Usage
  events: RunEvents
  gauges(): Gauges
  tokens: Tokens
  accessKeys: AccessKeys
  lambdaSettings: LambdaSettingsStore
  whiskEntities: WhiskEntityStore
  packages: PackageStore
  audit: AuditLog
  backups: Backups
  health: Health
  images: Images
  registries: Registries
  refusals: RefusalCounters
  authenticate: Authenticate
  /** False while the server starts or stops, or its engine does not answer; shown by /readyz. */
  isReady(): boolean
  settingsInEffect(): SettingInEffect[]
  /** The pages of the documentation. */
  docs(): DocPage[]
  /** A file of the console; null: it does not exist. */
  consoleFile(name: string): Buffer | null
  clock: Pick<Clock, 'now'>
  random(): number
  wrongTokens: TokenThrottle
  space: DiskSpace
  log: Log
  settings: HttpSettings
}

/** Every route of the server: the middleware in order, then one bind call per resource. */
export function makeHttpApp(parts: HttpParts): HttpApp {
  const { settings } = parts
  const app: HttpApp = new OpenAPIHono<Env>({ strict: false })
  const verbsOf = makeMethodsOf(app)
  const unrouted = makeNotFound(verbsOf)
  const reads = new ReadTurns()
  app.onError((error, c) => errorResponse(c, parts.wrongTokens.counted(error, c.env.incoming), parts, verbsOf))
  app.notFound(unrouted)

  app.use(handedToRoutes(parts), authentication(parts.authenticate, makeNeedsToken(app)))
  app.use('/v1/*', refuseHead(unrouted))

  bindVersionsRoot(app, settings)
  bindRuntimes(app, parts.runtimes, settings)
  bindFunctions(app, parts.functions, settings, parts)
  bindBuilds(app, parts.builds, parts.functions, parts)
  bindFunctionVersions(app, parts.versions, settings)
  bindAliases(app, parts.aliases, settings)
  bindWorkers(app, parts.workers, settings)
  describeInvoke(app)
  bindExecutions(app, parts.executions, reads)
  bindDeadLetters(app, parts.deadLetters, settings, reads)
  bindJobs(app, parts.jobs, settings, parts.clock)
  bindWebhooks(app, parts)
  bindWebhookInvoke(app, parts)
  bindSources(app, parts.sources, settings)
  bindLimits(app, parts.limits, settings)
  bindSecrets(app, parts.secrets, settings)
  bindStats(app, parts)
  bindUsage(app, parts.usage)
  bindHistory(app, parts.executions)
  bindEvents(app, parts)
  bindTokens(app, parts, settings)
  bindAccessKeys(app, parts.accessKeys, settings)
  bindWhoAmI(app, parts.tokens)
  bindAudit(app, parts.audit)
  bindBackups(app, parts.backups)
  bindImages(app, parts.images, settings)
  bindRegistries(app, parts.registries, settings)
  bindHealth(app, parts)
  bindServerHealth(app, parts.health)
  bindSettings(app, parts.settingsInEffect)
  bindOpenApi(app)
  bindDocs(app, parts.docs)
  bindConsole(app, parts.consoleFile)
  return app
}

function handedToRoutes({ bodies, targets, audit, settings, space }: HttpParts): MiddlewareHandler<Env> {
  const functionIdOf = (who: Principal, nameOrId: string) => targets.findFunction(who, nameOrId).id
  const noteChange = (who: Principal, change: AuditedChange) => audit.note(who, change)
  return async (c, next) => {
    c.set('bodies', bodies)
    c.set('functionIdOf', functionIdOf)
    c.set('noteChange', noteChange)
    c.set('trustsProxy', settings.trustProxy)
    c.set('space', space)
    for (const [name, value] of Object.entries(ownHeaders(c.req.path))) c.header(name, value)
    return next()
  }
}
