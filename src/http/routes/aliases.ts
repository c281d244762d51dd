import { z } from '@hono/zod-openapi'
import type { Alias } from '../../domain/alias.ts'
import type { Aliases } from '../../services/functions/aliases.ts'
import { readObject } from '../body.ts'
import { cascadeQuery, wantsCascade } from '../cascade.ts'
import { type App, endpoint } from '../endpoint.ts'
import { ignored, integer, parseFields, text, uuid } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'aliases'
const path = '/v1/aliases/:name'

const target = {
  function_id: uuid('What the alias points at.'),
  function_version: integer('0, the default, is the current code.'),
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
  })
  .openapi('Alias')

export function bindAliases(app: App, aliases: Aliases, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/aliases',
      tag,
      summary: 'Give a function version a name that can move',
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
      summary: 'Point an alias at something else: jobs and webhooks that use it follow',
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
      await aliases.delete(c.get('who'), c.req.param('name'), wantsCascade(c))
      return c.body(null, 204)
    },
  )
}

const named = (fields: { function_id?: string; function_version?: number; description?: string }) => ({
  functionId: fields.function_id,
  functionVersion: fields.function_version,
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
  }
}
