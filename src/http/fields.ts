import { z } from '@hono/zod-openapi'
import { FaasError, invalid } from '../domain/errors.ts'
import { canonicalUuid } from '../domain/ids.ts'

/**
 * The contract's types of request fields (section 1.3) as zod schemas. Null and absent both become `undefined`, unless a field
 * says otherwise. Each message completes the sentence `"<field>" …`.
 */
export type Field<T> = z.ZodType<T | undefined>

/** How /openapi.json shows a field. */
interface FieldDocs {
  type?: string | string[]
  format?: string
  enum?: unknown[]
  maxLength?: number
  additionalProperties?: object
  description?: string
}

const trueWords = ['true', 't', 'yes', 'y', 'on', '1']
const falseWords = ['false', 'f', 'no', 'n', 'off', '0']

/** A JSON string of at most `max` characters; numbers and booleans are refused. */
export const text = (max = 255, about?: string): Field<string> =>
  field({ type: ['string', 'null'], maxLength: max, description: about }, (value) => {
    if (typeof value !== 'string') throw invalid(`must be a string, not ${kindOf(value)}.`)
    return within(value, max)
  })

/** A whole number, or a string with one (`"2"` is 2). The service checks ranges. */
export const integer = (about?: string): Field<number> =>
  field({ type: ['integer', 'null'], description: about }, toInteger)

/** A number, or a string with one. */
export const number = (about?: string): Field<number> =>
  field({ type: ['number', 'null'], description: about }, (value) => {
    const given = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof given !== 'number' || !Number.isFinite(given)) throw invalid('must be a number.')
    return given
  })

/** `true`, a number, or one of the words of the contract. */
export const flag = (about?: string): Field<boolean> =>
  field({ type: ['boolean', 'null'], description: about }, toBoolean)

/** A UUID in any spelling, made canonical. */
export const uuid = (about?: string): Field<string> =>
  field({ type: ['string', 'null'], format: 'uuid', description: about }, (value) => {
    if (typeof value !== 'string') throw invalid(`must be a UUID in a string, not ${kindOf(value)}.`)
    return toUuid(value)
  })

/** One of the options. */
export const choice = <T extends string>(options: readonly T[], about?: string): Field<T> =>
  field({ type: ['string', 'null'], enum: [...options, null], description: about }, (value) => {
    if (!options.includes(value as T)) throw invalid(`must be one of ${options.join(', ')}.`)
    return value as T
  })

/** Accepted and discarded: keys that clients send and that the contract wants ignored. */
export const ignored = (): Field<never> => field({ description: 'Ignored.' }, () => undefined as never)

/** A field with its own rule; `read` throws `invalid` with the end of the sentence. */
export function field<T>(docs: FieldDocs, read: (value: unknown) => T): Field<T> {
  const schema = z
    .any()
    .optional()
    .transform((value, context) => (value === undefined || value === null ? undefined : attempt(read, value, context)))
  return described(schema, docs) as unknown as Field<T>
}

/** A field of ours in which null means: reset to none. */
export function nullable<T>(of: Field<T>): Field<T | null> {
  const schema = z.any().transform((value, context) => {
    if (value === null) return null
    const parsed = of.safeParse(value)
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: parsed.error.issues[0]?.message ?? 'is not valid.' })
    return z.NEVER
  })
  return described(schema.optional(), docsOf.get(of) ?? {}) as unknown as Field<T | null>
}

export function toInteger(value: unknown): number {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid('must be a whole number.')
  return number
}

export function toBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = typeof value === 'string' ? value.trim().toLowerCase() : ''
  if (trueWords.includes(word)) return true
  if (falseWords.includes(word)) return false
  throw invalid('must be true or false.')
}

/** The UUID of a path or field in canonical form. */
export function toUuid(value: string): string {
  const id = canonicalUuid(value)
  if (id === null) throw invalid('must be a UUID, such as 01234567-89ab-4cde-8f01-23456789abcd.')
  return id
}

/** The id in a path, canonical; throws a sentence about it otherwise. */
export function uuidParam(what: string, value: string): string {
  const id = canonicalUuid(value)
  if (id === null) throw invalid(`${what} ids are UUIDs; ${JSON.stringify(value)} is not one.`)
  return id
}

/** A whole number in a path or query. */
export function integerParam(name: string, value: string): number {
  if (!/^[+-]?\d{1,15}$/.test(value)) throw invalid(`"${name}" must be a whole number, not ${JSON.stringify(value)}.`)
  return Number(value)
}

/**
 * Parses the fields of a request. `strict` refuses unknown keys, as in every JSON body; `ignore` drops them, as in forms. The
 * first problem becomes the message.
 */
export function parseFields<S extends z.ZodObject>(
  schema: S,
  values: Record<string, unknown>,
  unknownKeys: 'strict' | 'ignore' = 'strict',
): z.output<S> {
  if (unknownKeys === 'strict') refuseUnknownKeys(schema, values)
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(`"${issue?.path.join('.')}" ${issue?.message}`)
}

function refuseUnknownKeys(schema: z.ZodObject, values: Record<string, unknown>): void {
  const unknown = Object.keys(values).find((key) => !Object.hasOwn(schema.shape, key))
  if (unknown === undefined) return
  const known = Object.keys(schema.shape).join(', ')
  throw invalid(`${JSON.stringify(unknown)} cannot be set here; these fields can: ${known}.`)
}

function attempt<T>(read: (value: unknown) => T, value: unknown, context: z.RefinementCtx): T {
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof FaasError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
}

function within(value: string, max: number): string {
  if (value.length > max && [...value].length > max) throw invalid(`must have at most ${max} characters.`)
  return value
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const docsOf = new WeakMap<z.ZodType, FieldDocs>()

function described(schema: z.ZodType, docs: FieldDocs): z.ZodType {
  const known = Object.fromEntries(Object.entries(docs).filter(([, value]) => value !== undefined))
  const made = schema.openapi(known as { type?: 'string' })
  docsOf.set(made, docs)
  return made
}
