import { AccessKeys } from '../services/platform/access-keys.ts'
import { AuditLog } from '../services/platform/audit-log.ts'
import { Backups } from '../services/platform/backups.ts'
import { Health, type HealthParts } from '../services/platform/health.ts'
import { Images } from '../services/platform/images.ts'
import { Registries } from '../services/platform/registries.ts'
import { Tokens } from '../services/platform/tokens.ts'
import type { Infrastructure } from './infrastructure.ts'

/** Services for operators. `findings`: of the health checks about functions. */
export function makePlatformServices(infrastructure: Infrastructure, findings: HealthParts['ofFunctions']) {
  const { stores, vault, shares, backups, pool, ledger, clock, newId, log, settings } = infrastructure
  const { functions, runtimes } = stores
  const tokens = new Tokens({ tokens: stores.tokens, clock, newId, log })
  const images = new Images({ ...infrastructure.images, functions, runtimes, log })
  return {
    tokens,
    images,
    accessKeys: new AccessKeys({ keys: stores.accessKeys, tokens, vault, clock, shares }),
    audit: new AuditLog({ store: stores.audit, clock, newId, log, rules: settings.audit }),
    backups: new Backups({ store: backups, clock, log, rules: settings.backups }),
    health: new Health({
      ...{ ...infrastructure.health, ofFunctions: findings },
      ...{ backups, runtimes, images, pool, ledger, clock },
    }),
    registries: new Registries({ ...infrastructure.registries, clock }),
  }
}
