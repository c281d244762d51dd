import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { FunctionCors } from '../../domain/functions/function-access.ts'
import type { Placement } from '../../domain/platform/machine.ts'
import type { SecretUse } from '../../domain/platform/secret.ts'

/** Values of a function's fields that are objects or lists; forms send them as JSON text. Each throws FaasError. */

/** By name: functions that ask for the same labels share generic workers. */
export function toPlacement(value: unknown): Placement {
  return Object.fromEntries(Object.entries(toStrings(value, '{"gpu": "true"}')).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function toStrings(value: unknown, example: string): Record<string, string> {
  const env = typeof value === 'string' ? parsedJson(value) : value
  const isObject = typeof env === 'object' && env !== null && !Array.isArray(env)
  if (!isObject || !Object.values(env).every((one) => typeof one === 'string')) {
    throw invalid(`must be an object of strings, such as ${example}.`)
  }
  return env as Record<string, string>
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const corsShape = z.strictObject({
  origins: z.array(z.string()).min(1).max(100),
  methods: z.array(z.string()).max(100).nullish(),
  headers: z.array(z.string()).max(100).nullish(),
  credentials: z.boolean().nullish(),
})

export function toCors(value: unknown): FunctionCors | null {
  const given = typeof value === 'string' ? parsedJson(value) : value
  if (given === null) return null
  const parsed = corsShape.safeParse(given)
  if (!parsed.success) {
    throw invalid(
      'must be {"origins": […], "methods": […], "headers": […], "credentials": true or false}; origins are required.',
    )
  }
  const { origins, methods, headers, credentials } = parsed.data
  return { origins, methods: methods ?? null, headers: headers ?? null, credentials: credentials ?? false }
}

const secretShape = z.union([
  z.string(),
  z.strictObject({ name: z.string(), as: z.enum(['env', 'file']).nullish(), to: z.string().nullish() }),
])

export function toSecrets(value: unknown): SecretUse[] {
  const parsed = z.array(secretShape).safeParse(typeof value === 'string' ? parsedJson(value) : value)
  if (!parsed.success) throw invalid('must be an array of names, or of {"name", "as": "env" or "file", "to"}.')
  return parsed.data.map((use) => {
    if (typeof use === 'string') return { name: use, as: 'env', to: use }
    return { name: use.name, as: use.as ?? 'env', to: use.to ?? use.name }
  })
}

export function toPaths(value: unknown): string[] {
  const given = typeof value === 'string' ? parsedJson(value) : value
  if (Array.isArray(given) && given.every((one) => typeof one === 'string')) return given
  throw invalid('must be an array of paths, such as ["/var/cache/nginx"].')
}

export function toHosts(value: unknown): string[] {
  const given = typeof value === 'string' ? parsedJson(value) : value
  if (!Array.isArray(given) || !given.every((one) => typeof one === 'string')) {
    throw invalid('must be an array of host names, such as ["shop.example.org"].')
  }
  return [...new Set(given.map((host) => host.toLowerCase()))]
}
