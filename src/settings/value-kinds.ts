import { z } from 'zod'

/** Kinds of setting values, in the format of environment variables. */

export const kib = 1024
export const mib = 1024 * kib

export const int = (min: number, max = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(min).max(max)

export const flag = z.union([z.boolean(), z.stringbool()])

/** Comma-separated. */
export const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
])

/** Metadata of a setting whose value is never shown. */
export const secret = { secret: true }
