import { z } from 'zod'
import { type LimitName, limitNames } from '../domain/limits.ts'
import { int, list } from './value-kinds.ts'

export const projectLimits = {
  projectLimits: list
    .default(['functions=10000', 'jobs=10000', 'webhooks=10000', 'whisk_entities=10000', 'record_bytes=100000000000'])
    .transform((entries, context) => {
      const limits: Record<string, number | null> = {}
      for (const entry of entries) {
        const [name = '', value = ''] = entry.split('=')
        if (!limitNames.includes(name as LimitName) || !/^(none|\d+(\.\d+)?)$/.test(value)) {
          context.addIssue({
            code: 'custom',
            message: `${entry} is no limit: write NAME=NUMBER or NAME=none with one of ${limitNames.join(', ')}`,
          })
        } else limits[name] = value === 'none' ? null : Number(value)
      }
      return limits
    })
    .describe(
      'Limits of each project for which admins set none, as NAME=NUMBER separated by commas; [Limits](limits.md) has the names.',
    ),
  webhookRate: z.coerce
    .number()
    .positive()
    .default(100)
    .describe('Calls a second of one webhook that names no rate of its own; ten times as many at once.'),
  wrongTokensPerMinute: int(1)
    .default(300)
    .describe(
      'Wrong tokens from one address in a minute; more are refused with 429. Right tokens are not held up by them.',
    ),
}
