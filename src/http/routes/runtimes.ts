import { z } from '@hono/zod-openapi'
import type { Runtime } from '../../domain/functions/runtime.ts'
import { signatureNames } from '../../domain/functions/signature.ts'
import { paged } from '../../domain/list.ts'
import type { Runtimes } from '../../services/platform/runtimes.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { choice, flag, ignored, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'runtimes'

const newRuntime = z.object({
  image: text(255, 'Container image whose shim speaks the worker protocol. Required.'),
  name: text(),
  description: text(),
  is_public: flag('Other projects may use it; default true.'),
  trusted: flag('False asks for a hardened sandbox; default true.'),
  signature: choice(
    signatureNames,
    "How functions are called unless they say otherwise; default: the image's, else event.",
  ),
  min_memory: integer('Minimum memory of its workers, in bytes.'),
})

const runtimeChange = z.object({
  name: text(),
  description: text(),
  image: text(255, 'Another image: workers are replaced, and the old image comes back when the new one does not work.'),
  is_public: ignored(),
  trusted: ignored(),
})

const shown = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    image: z.string(),
    description: z.string().nullable(),
    is_public: z.boolean(),
    trusted: z.boolean(),
    status: z.enum(['creating', 'available', 'upgrading', 'error', 'deleting']),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    signature: z.enum(signatureNames),
    min_memory: z.int(),
    languages: z.array(z.string()),
    language_version: z
      .string()
      .nullable()
      .describe('The exact version of the language, as its last worker said; null before one has started.'),
  })
  .openapi('Runtime')

const capacity = z.object({ name: z.string(), capacity: z.object({ total: z.int(), available: z.int() }) })

export function bindRuntimes(app: HttpApp, runtimes: Runtimes, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/runtimes',
      scope: 'admin',
      tag,
      summary: 'Add a runtime (admin)',
      description: 'The image is pulled and tried in the background; the status shows the result.',
      body: newRuntime,
      answers: { 201: shown },
      refusals: ['invalid_request', 'forbidden', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newRuntime, await readObject(c, settings.maxBodyBytes))
      const { is_public: isPublic, min_memory: minMemoryBytes, ...same } = fields
      return c.json(asShown(runtimes, runtimes.create(c.get('who'), { ...same, isPublic, minMemoryBytes })), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/runtimes',
      onlyFunction: 'free',
      tag,
      summary: "List runtimes: the project's own and the public ones",
      query: listParameters([]),
      answers: { 200: z.object({ runtimes: z.array(shown) }) },
      refusals: ['invalid_request'],
    },
    (c) =>
      c.json({
        runtimes: paged(runtimes.list(c.get('who')), pageQuery(c)).map((runtime) => asShown(runtimes, runtime)),
      }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/runtimes/:id',
      onlyFunction: 'free',
      tag,
      summary: 'Show a runtime',
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(asShown(runtimes, runtimes.get(c.get('who'), uuidParam('Runtime', c.req.param('id'))))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/runtimes/:id',
      scope: 'admin',
      tag,
      summary: 'Rename a runtime, or upgrade its image (admin)',
      body: runtimeChange,
      answers: { 200: shown },
      refusals: [
        'invalid_request',
        'forbidden',
        'in_use',
        'not_found',
        'runtime_unavailable',
        'too_large',
        'unsupported_media_type',
      ],
    },
    async (c) => {
      const id = uuidParam('Runtime', c.req.param('id'))
      const fields = parseFields(runtimeChange, await readObject(c, settings.maxBodyBytes))
      return c.json(asShown(runtimes, runtimes.update(c.get('who'), id, fields)))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/runtimes/:id',
      scope: 'admin',
      tag,
      summary: 'Remove a runtime that no function uses (admin)',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'forbidden', 'in_use', 'not_found'],
    },
    (c) => {
      runtimes.delete(c.get('who'), uuidParam('Runtime', c.req.param('id')))
      return c.body(null, 204)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/runtimes/:id/pool',
      tag,
      summary: 'Show how many workers a runtime has, and how many of them are free (admin)',
      answers: { 200: capacity },
      refusals: ['invalid_request', 'forbidden', 'not_found'],
    },
    (c) => {
      const id = uuidParam('Runtime', c.req.param('id'))
      const { total, available } = runtimes.capacity(c.get('who'), id)
      return c.json({ name: id, capacity: { total, available } })
    },
  )
}

const asShown = (runtimes: Runtimes, runtime: Runtime): z.output<typeof shown> => {
  return {
    id: runtime.id,
    name: runtime.name,
    image: runtime.image,
    description: runtime.description,
    is_public: runtime.isPublic,
    trusted: runtime.trusted,
    status: runtime.status,
    project_id: runtime.projectId,
    created_at: shownTime(runtime.createdAt),
    updated_at: shownTime(runtime.updatedAt),
    signature: runtime.signature,
    min_memory: runtime.minMemoryBytes,
    languages: runtime.languages,
    language_version: runtimes.languageVersion(runtime),
  }
}
