import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { paged } from '../../domain/list.ts'
import type { Secrets, ShownSecret } from '../../services/functions/secrets.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { choice, field, integer, parseFields, text } from '../fields.ts'
import { cascadeIn, cascadeQuery } from '../functions/cascade.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'secrets'
const path = '/v1/secrets/:name'
const rotations = ['replace', 'drain'] as const

/** Messages about the value do not repeat it. */
const value = field(
  { type: 'string', description: 'The secret itself: text of up to 64 KiB. No answer ever contains it.' },
  (given) => {
    if (typeof given !== 'string') throw invalid('must be a string.')
    return given
  },
)

const newSecret = z.object({
  name: text(128, 'Name of the secret for functions: letters, digits, "_" and "-". Required.'),
  value,
  description: text(),
})

const change = z.object({
  value,
  version: integer('Instead of a value: an earlier version, whose value becomes a new version.'),
  description: text(),
  workers: choice(
    rotations,
    'replace, the default: the next call of each function gets a worker with the new value. drain: workers that run keep the old one until they end by themselves.',
  ),
})

const shown = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    version: z.int().openapi({ description: 'The one that functions see.' }),
    versions: z.array(z.object({ version: z.int(), created_at: z.string() })),
    used_by: z.array(z.object({ id: z.string(), name: z.string().nullable() })),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
  })
  .openapi('Secret')

export function bindSecrets(app: HttpApp, secrets: Secrets, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/secrets',
      tag,
      summary: 'Store a secret, for functions that refer to it',
      description: 'It is encrypted at rest, and its value is never shown again.',
      body: newSecret,
      answers: { 201: shown },
      refusals: ['invalid_request', 'conflict', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newSecret, await readObject(c, settings.maxBodyBytes))
      return c.json(secretJson(secrets.create(c.get('who'), fields)), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/secrets',
      tag,
      summary: "List the project's secrets by name, without their values",
      query: listParameters([]),
      answers: { 200: z.object({ secrets: z.array(shown) }) },
      refusals: ['invalid_request'],
    },
    (c) => c.json({ secrets: paged(secrets.list(c.get('who')), pageQuery(c)).map(secretJson) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path,
      tag,
      summary: 'Show a secret with its versions and the functions that use it, without its value',
      answers: { 200: shown },
      refusals: ['not_found'],
    },
    (c) => c.json(secretJson(secrets.get(c.get('who'), c.req.param('name')))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path,
      tag,
      summary: 'Set a new value of a secret; functions get it without a deployment',
      body: change,
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(change, await readObject(c, settings.maxBodyBytes))
      return c.json(secretJson(secrets.change(c.get('who'), c.req.param('name'), fields)))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      tag,
      summary: 'Delete a secret with all its versions',
      query: cascadeQuery,
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'in_use', 'not_found'],
    },
    async (c) => {
      await secrets.delete(c.get('who'), c.req.param('name'), cascadeIn(c))
      return c.body(null, 204)
    },
  )
}

function secretJson(secret: ShownSecret): z.output<typeof shown> {
  return {
    id: secret.id,
    name: secret.name,
    description: secret.description,
    version: secret.latestVersion,
    versions: secret.versions.map(({ number, createdAt }) => ({ version: number, created_at: shownTime(createdAt) })),
    used_by: secret.usedBy,
    project_id: secret.projectId,
    created_at: shownTime(secret.createdAt),
    updated_at: shownTime(secret.updatedAt),
  }
}
