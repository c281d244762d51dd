import { z } from 'zod'
import { list, secret } from './value-kinds.ts'

export const traces = {
  otlpUrl: z
    .url({ protocol: /^https?$/, message: 'an address such as http://127.0.0.1:4318' })
    .optional()
    .describe('Receiver of traces (OTLP over HTTP); spans are sent to its path /v1/traces. Default: no tracing.'),
  otlpHeaders: list
    .default([])
    .refine((headers) => headers.every((header) => header.indexOf('=') > 0), {
      message: 'headers are name=value, separated by commas',
    })
    .meta(secret)
    .describe('Headers for that receiver, as name=value, separated by commas.'),
  traceRatio: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      "Sampling ratio of the traces that begin at this server; traces that callers began (traceparent) follow the caller's decision.",
    ),
}
