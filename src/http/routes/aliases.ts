import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { Alias, Weights } from '../../domain/functions/alias.ts'
import type { Aliases } from '../../services/functions/aliases.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { field, ignored, integer, nullable, parseFields, text, uuid } from '../fields.ts'
import { cascadeIn, cascadeQuery } from '../functions/cascade.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'aliases'
const path = '/v1/aliases/:name'

const weights = nullable(
  field<Weights>(
    {
      type: ['object', 'null'],
      additionalProperties: { type: 'number', minimum: 0, maximum: 1 },
      description:
        'Shares of calls, from 0 to 1, of further versions by their numbers, such as {"4": 0.1}; the other calls run function_version. They are removed when the alias is pointed at something else without them, and by null.',
    },
    (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw invalid('must be an object, such as {"4": 0.1}.')
      const wrong = Object.entries(value).find(([, weight]) => typeof weight !== 'number')
      if (wrong !== undefined)
        throw invalid(`gives version ${wrong[0]} ${JSON.stringify(wrong[1])}: it must be a number.`)
      return value as Weights
    },
  ),
)

const target = {
  function_id: uuid('What the alias points at.'),
  function_version: integer('0, the default, is the current code.'),
  weights,
  description: text(),
}
const newAlias = z.object({ name: text(255, 'Unique inside the project. Required.'), ...target })
const aliasChange = z.object({ name: ignored(), ...target })
const shown = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    function_id: z.string(),
    function_version: z.int(),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    weights: z
      .record(z.string(), z.number())
      .optional()
      .openapi({ description: 'Present when the alias has weights.' }),
  })
  .openapi('Alias')

export function bindAliases(app: HttpApp, aliases: Aliases, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/aliases',
      tag,
      summary: 'Create an alias: a name for a function version that can be pointed to another',
      body: newAlias,
      answers: { 201: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newAlias, await readObject(c, settings.maxBodyBytes))
      return c.json(asShown(aliases.create(c.get('who'), { name: fields.name, ...named(fields) })), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/aliases',
      tag,
      summary: 'List aliases',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ function_aliases: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ function_aliases: aliases.list(listQuery(c, c.get('who'), ['project_id'])).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path,
      tag,
      summary: 'Show an alias by its name',
      answers: { 200: shown },
      refusals: ['not_found'],
    },
    (c) => c.json(asShown(aliases.get(c.get('who'), c.req.param('name')))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path,
      tag,
      summary: 'Point an alias to another version; jobs and webhooks that use it follow',
      body: aliasChange,
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(aliasChange, await readObject(c, settings.maxBodyBytes))
      return c.json(asShown(aliases.update(c.get('who'), c.req.param('name'), named(fields))))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      tag,
      summary: 'Remove an alias that no unfinished job, no webhook and no source uses',
      query: cascadeQuery,
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'in_use', 'not_found'],
    },
    async (c) => {
      await aliases.delete(c.get('who'), c.req.param('name'), cascadeIn(c))
      return c.body(null, 204)
    },
  )
}

const named = (fields: {
  function_id?: string
  function_version?: number
  weights?: Weights | null
  description?: string
}) => ({
  functionId: fields.function_id,
  functionVersion: fields.function_version,
  weights: fields.weights,
  description: fields.description,
})

function asShown(alias: Alias): z.output<typeof shown> {
  return {
    id: alias.id,
    name: alias.name,
    description: alias.description,
    function_id: alias.functionId,
    function_version: alias.functionVersion,
    project_id: alias.projectId,
    created_at: shownTime(alias.createdAt),
    updated_at: shownTime(alias.updatedAt),
    ...(alias.weights !== null && { weights: alias.weights }),
  }
}
