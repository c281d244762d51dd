import { z } from 'zod'
import { type LimitName, limitNames } from '../domain/platform/limits.ts'
import { int, list } from './value-kinds.ts'

export const projectLimits = {
  projectLimits: list
    .default([
      ...['functions=10000', 'jobs=10000', 'webhooks=10000', 'sources=1000', 'aliases=10000', 'secrets=1000'],
      ...['access_keys=1000', 'whisk_entities=10000', 'record_bytes=100000000000'],
    ])
    .transform((entries, context) => {
      const limits: Record<string, number | null> = {}
      for (const entry of entries) {
        const [name = '', value = ''] = entry.split('=')
        if (!limitNames.includes(name as LimitName) || !/^(none|\d+(\.\d+)?)$/.test(value)) {
          context.addIssue({
            code: 'custom',
            message: `${entry} is not a limit: write NAME=NUMBER or NAME=none with one of ${limitNames.join(', ')}`,
          })
        } else limits[name] = value === 'none' ? null : Number(value)
      }
      return limits
    })
    .describe('Default limits of a project, as NAME=NUMBER separated by commas; [Limits](limits.md) lists the names.'),
  webhookRate: z.coerce
    .number()
    .positive()
    .default(100)
    .describe('Default rate of a webhook, in calls per second; a burst may have ten times this number.'),
  wrongTokensPerMinute: int(1)
    .default(300)
    .describe(
      'Maximum number of wrong tokens from one address per minute; more are refused with 429. Requests with valid tokens are not affected.',
    ),
}
