import { AccessKeyRows } from '../store/access-keys.ts'
import { AliasRows } from '../store/aliases.ts'
import { AuditRows } from '../store/audit.ts'
import { BuildRows } from '../store/builds.ts'
import type { Database } from '../store/database.ts'
import { FunctionRows } from '../store/functions.ts'
import { JobRows } from '../store/jobs.ts'
import { LambdaSettingsRows } from '../store/lambda-settings.ts'
import { ProjectLimitRows } from '../store/project-limits.ts'
import { RuntimeRows } from '../store/runtimes.ts'
import { SecretRows } from '../store/secrets.ts'
import { SourceRows } from '../store/sources.ts'
import { TokenRows } from '../store/tokens.ts'
import { WebhookRows } from '../store/webhooks.ts'
import { WhiskEntityRows } from '../store/whisk-entities.ts'

/** The catalogue: everything except executions and packages. */
export function makeStores(database: Database) {
  return {
    functions: new FunctionRows(database),
    runtimes: new RuntimeRows(database),
    aliases: new AliasRows(database),
    jobs: new JobRows(database),
    webhooks: new WebhookRows(database),
    sources: new SourceRows(database),
    secrets: new SecretRows(database),
    projectLimits: new ProjectLimitRows(database),
    tokens: new TokenRows(database),
    accessKeys: new AccessKeyRows(database),
    lambdaSettings: new LambdaSettingsRows(database),
    whiskEntities: new WhiskEntityRows(database),
    audit: new AuditRows(database),
    builds: new BuildRows(database),
  }
}

export type Stores = ReturnType<typeof makeStores>
