import { z } from 'zod'

/** Kinds of values that settings have, as the environment writes them. */

export const kib = 1024
export const mib = 1024 * kib

export const int = (min: number, max = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(min).max(max)

export const flag = z.union([z.boolean(), z.stringbool()])

/** Separated by commas. */
export const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
])

/** Meta of a schema whose value is shown to nobody. */
export const secret = { secret: true }
