import { afterEach, expect, it } from 'vitest'
import { AliasRows } from '../../src/store/aliases.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { JobRows } from '../../src/store/jobs.ts'
import { RuntimeRows } from '../../src/store/runtimes.ts'
import { SourceRows } from '../../src/store/sources.ts'
import { TokenRows } from '../../src/store/tokens.ts'
import { WebhookRows } from '../../src/store/webhooks.ts'
import { aJob, aWebhook } from '../support/builders.ts'
import { aliasStoreContract } from '../support/contracts/alias-store.ts'
import { functionStoreContract } from '../support/contracts/function-store.ts'
import { jobStoreContract } from '../support/contracts/job-store.ts'
import { runtimeStoreContract } from '../support/contracts/runtime-store.ts'
import { sourceStoreContract } from '../support/contracts/source-store.ts'
import { tokenStoreContract } from '../support/contracts/token-store.ts'
import { triggerStoreContract } from '../support/contracts/trigger-store.ts'

let database: Database | undefined
const open = (): Database => {
  database = new Database(':memory:')
  return database
}
afterEach(() => database?.close())

runtimeStoreContract(() => new RuntimeRows(open()))
functionStoreContract(() => {
  const opened = open()
  return { functions: new FunctionRows(opened), jobs: new JobRows(opened) }
})
aliasStoreContract(() => new AliasRows(open()))
jobStoreContract(() => new JobRows(open()))
sourceStoreContract(() => new SourceRows(open()))
triggerStoreContract({
  what: 'webhooks',
  open: () => new WebhookRows(open()),
  make: aWebhook,
  full: aWebhook({
    description: 'from the shop',
    functionId: null,
    functionVersion: null,
    functionAlias: 'live',
    updatedAt: 3,
  }),
})
tokenStoreContract(() => new TokenRows(open()))

it('jobs that are updated together are all updated, or none is', () => {
  const jobs = new JobRows(open())
  const [first, second] = [aJob(), aJob()]
  for (const job of [first, second]) jobs.insert(job)
  const broken = { ...second, timezone: null as unknown as string }
  expect(() => jobs.updateAll([{ ...first, count: 5 }, broken])).toThrow(
    expect.objectContaining({ name: 'FaasError', code: 'internal' }),
  )
  expect(jobs.list(null)).toEqual([first, second])
})
