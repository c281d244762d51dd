import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { sourceEvents, sourceStatuses } from '../../domain/triggers/source.ts'
import type { ShownSource, Sources } from '../../services/triggers/sources.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { choice, field, flag, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import type { Ctx } from '../request-context.ts'
import { shownTime } from '../time.ts'

const tag = 'sources'

const events = field({ type: ['array', 'null'], description: `Some of ${sourceEvents.join(', ')}.` }, (value) => {
  if (Array.isArray(value) && value.every((event) => typeof event === 'string')) return value as string[]
  throw invalid('must be a list of strings.')
})

const creatable = z.object({
  type: choice(['swift'], 'Kind of the source.'),
  container: text(256, 'Container in Swift whose objects are watched.'),
  prefix: text(1024, 'Only objects whose names begin with this text.'),
  events,
  function_id: text(
    255,
    "Id or name of a function of the caller's project. It needs a trust, so it cannot be an image.",
  ),
  function_version: integer('0, the default: the function as it is when something happens.'),
  function_alias: text(255, 'Takes precedence over function_id and function_version; resolved when something happens.'),
  interval: integer('Seconds between two checks; at least 1, default 10.'),
  existing: flag('Whether objects that exist already are reported, too; default false.'),
  name: text(),
})

const changeable = z.object({
  name: text(),
  status: choice(sourceStatuses, 'What happens while it is paused is reported when it is resumed.'),
  events,
  interval: integer('Seconds between two checks.'),
})

const shown = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    type: z.literal('swift'),
    container: z.string(),
    prefix: z.string().nullable(),
    events: z.array(z.enum(sourceEvents)),
    function_id: z.string().nullable(),
    function_version: z.int().nullable(),
    function_alias: z.string().nullable(),
    interval: z.int(),
    status: z.enum(sourceStatuses),
    last_polled_at: z.string().nullable().openapi({ description: 'Time of the last check since the server started.' }),
    last_error: z.string().nullable().openapi({ description: 'Why the last check failed; null: it succeeded.' }),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
  })
  .openapi('Source')

export function bindSources(app: HttpApp, sources: Sources, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/sources',
      tag,
      summary: 'Watch a Swift container: changes of its objects run a function',
      description:
        'Needs Keystone. The function gets {"type": "object.created" | "object.changed" | "object.deleted", "source", ' +
        '"container", "object", "etag", "bytes", "last_modified"}.',
      body: creatable,
      answers: { 201: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type', 'openstack_failed'],
    },
    async (c) => {
      const fields = parseFields(creatable, await readObject(c, settings.maxBodyBytes))
      const {
        function_id: functionId,
        function_version: functionVersion,
        function_alias: functionAlias,
        ...rest
      } = fields
      const source = await sources.create(c.get('who'), { ...rest, functionId, functionVersion, functionAlias })
      return c.json(shownSource(source), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/sources',
      tag,
      summary: 'List sources, oldest first',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ sources: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ sources: sources.list(listQuery(c, c.get('who'), ['project_id'])).map(shownSource) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/sources/:id',
      tag,
      summary: 'Show a source, and the result of its last check',
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(shownSource(sources.get(c.get('who'), idIn(c)))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/sources/:id',
      tag,
      summary: 'Pause or resume a source, or change the events that it reports',
      body: changeable,
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = idIn(c)
      const change = parseFields(changeable, await readObject(c, settings.maxBodyBytes))
      return c.json(shownSource(sources.update(c.get('who'), id, change)))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/sources/:id',
      tag,
      summary: 'Delete a source: its container is no longer watched',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      sources.delete(c.get('who'), idIn(c))
      return c.body(null, 204)
    },
  )
}

const idIn = (c: Ctx<'/v1/sources/:id'>): string => uuidParam('Source', c.req.param('id'))

function shownSource(source: ShownSource): z.output<typeof shown> {
  return {
    id: source.id,
    name: source.name,
    type: source.type,
    container: source.container,
    prefix: source.prefix,
    events: source.events,
    function_id: source.functionId,
    function_version: source.functionVersion,
    function_alias: source.functionAlias,
    interval: source.intervalSeconds,
    status: source.status,
    last_polled_at: shownTime(source.lastPolledAt),
    last_error: source.lastError,
    project_id: source.projectId,
    created_at: shownTime(source.createdAt),
    updated_at: shownTime(source.updatedAt),
  }
}
