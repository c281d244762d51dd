import { z } from '@hono/zod-openapi'
import { paged } from '../../domain/list.ts'
import type { CountedVersion, FunctionVersions } from '../../services/functions/function-versions.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { integerParam, parseFields, text } from '../fields.ts'
import { cascadeIn, cascadeQuery } from '../functions/cascade.ts'
import { downloadResponse, wantsDownload } from '../functions/download.ts'
import { functionJson, shownFunction } from '../functions/function-json.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'versions'
const path = '/v1/functions/:id/versions/:number'

const newVersion = z.object({ description: text() })
const shown = z
  .object({
    id: z.string(),
    description: z.string().nullable(),
    function_id: z.string(),
    version_number: z.int(),
    count: z.int(),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
  })
  .openapi('FunctionVersion')

export function bindFunctionVersions(
  app: HttpApp,
  versions: FunctionVersions,
  settings: { maxBodyBytes: number },
): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/functions/:id/versions',
      onlyFunction: 'path',
      tag,
      summary: 'Publish the package of a function as its next version',
      body: newVersion,
      answers: { 201: shown },
      refusals: ['invalid_request', 'forbidden', 'in_use', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const { description = null } = parseFields(newVersion, await readObject(c, settings.maxBodyBytes))
      return c.json(asShown(versions.create(c.get('who'), c.req.param('id'), description)), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/functions/:id/versions',
      onlyFunction: 'path',
      tag,
      summary: 'List the versions of a function, by number',
      query: listParameters([]),
      answers: { 200: z.object({ function_versions: z.array(shown) }) },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      const found = versions.list(c.get('who'), c.req.param('id'))
      return c.json({ function_versions: paged(found, pageQuery(c)).map(asShown) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path,
      onlyFunction: 'path',
      tag,
      summary: 'Show a version; with download=true, its package',
      query: z.object({ download: z.string().optional() }),
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      const { id, number } = c.req.param()
      const version = integerParam('version', number)
      if (wantsDownload(c)) return downloadResponse(c, versions.download(c.get('who'), id, version))
      return c.json(asShown(versions.get(c.get('who'), id, version)))
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: `${path}/rollback`,
      onlyFunction: 'path',
      tag,
      summary: "Make a version's code the code of the function again, without an upload",
      answers: { 200: shownFunction },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      const { id, number } = c.req.param()
      return c.json(functionJson(versions.rollback(c.get('who'), id, integerParam('version', number))))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      onlyFunction: 'path',
      tag,
      summary: 'Remove a version that nothing refers to',
      query: cascadeQuery,
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'in_use', 'not_found'],
    },
    async (c) => {
      const { id, number } = c.req.param()
      await versions.delete(c.get('who'), id, integerParam('version', number), cascadeIn(c))
      return c.body(null, 204)
    },
  )
}

function asShown(version: CountedVersion): z.output<typeof shown> {
  return {
    id: version.id,
    description: version.description,
    function_id: version.functionId,
    version_number: version.number,
    count: version.count,
    project_id: version.projectId,
    created_at: shownTime(version.createdAt),
    updated_at: shownTime(version.updatedAt),
  }
}
