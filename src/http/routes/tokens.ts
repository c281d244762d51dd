import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { paged } from '../../domain/list.ts'
import type { Token } from '../../domain/token.ts'
import type { Tokens } from '../../services/platform/tokens.ts'
import { readObject } from '../body.ts'
import { type App, endpoint } from '../endpoint.ts'
import { field, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'tokens'

const newToken = z.object({
  name: text(255, 'What it is for. Required.'),
  project_id: text(255, "Whose rows it may see and make; default: the caller's project."),
  roles: field({ type: 'array', description: 'Roles such as member, admin; default member.' }, toRoles),
  expires_in: integer('Seconds until it ends; absent: it does not.'),
})

const shown = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string(),
    roles: z.array(z.string()),
    created_at: z.string(),
    expires_at: z.string().nullable(),
  })
  .openapi('Token')
const madeToken = shown.extend({ token: z.string().openapi({ description: 'Shown this once.' }) }).openapi('NewToken')

export function bindTokens(app: App, tokens: Tokens, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/tokens',
      tag,
      summary: 'Make an API token (admin)',
      description: 'The token is in this answer and nowhere else; only its hash is kept.',
      body: newToken,
      answers: { 201: madeToken },
      refusals: ['invalid_request', 'forbidden', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newToken, await readObject(c, settings.maxBodyBytes))
      const { project_id: projectId, expires_in: expiresIn, name, roles } = fields
      const { token, secret } = tokens.create(c.get('who'), { name, projectId, roles, expiresIn })
      return c.json({ ...asShown(token), token: secret }, 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/tokens',
      tag,
      summary: 'List API tokens, without the tokens themselves (admin)',
      query: listParameters([]),
      answers: { 200: z.object({ tokens: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ tokens: paged(tokens.list(c.get('who')), pageQuery(c)).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/tokens/:id',
      tag,
      summary: 'Refuse an API token from now on (admin)',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'forbidden', 'not_found'],
    },
    (c) => {
      tokens.delete(c.get('who'), uuidParam('Token', c.req.param('id')))
      return c.body(null, 204)
    },
  )
}

function toRoles(value: unknown): string[] {
  const isList = Array.isArray(value) && value.length > 0
  if (!isList || !value.every((role) => typeof role === 'string' && /^[\w-]{1,64}$/.test(role))) {
    throw invalid('must be a list of role names, such as ["member"].')
  }
  return value
}

function asShown(token: Token): z.output<typeof shown> {
  return {
    id: token.id,
    name: token.name,
    project_id: token.projectId,
    roles: token.roles,
    created_at: shownTime(token.createdAt),
    expires_at: shownTime(token.expiresAt),
  }
}
