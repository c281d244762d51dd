import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { paged } from '../../domain/list.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { type Scope, scopeNames } from '../../domain/platform/scope.ts'
import type { Token } from '../../domain/platform/token.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { Tokens } from '../../services/platform/tokens.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { field, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'tokens'

const newToken = z.object({
  name: text(255, 'What it is for. Required.'),
  project_id: text(255, "Whose rows it may see and make; default: the caller's project."),
  roles: field(
    { type: 'array', description: 'Roles such as member, admin; default member, or admin for that scope.' },
    toRoles,
  ),
  scopes: field(
    { type: 'array', description: `Some of ${scopeNames.join(', ')}; absent: all that the roles allow.` },
    toScopes,
  ),
  function: text(255, 'Name or id of the one function that it is for; absent: any.'),
  expires_in: integer('Seconds until it expires; absent: it does not expire.'),
})

const rotation = z.object({
  grace: integer('Seconds for which the previous token stays valid; default 3600.'),
  expires_in: integer('Seconds until the new one expires; absent: as before.'),
})

const shown = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string(),
    roles: z.array(z.string()),
    scopes: z.array(z.enum(scopeNames)).nullable().openapi({ description: 'Null: all that the roles allow.' }),
    function_id: z.string().nullable().openapi({ description: 'The one function that it is for; null: any.' }),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable().openapi({ description: 'To the minute.' }),
    previous_until: z.string().nullable().openapi({ description: 'Time until which the previous token is valid.' }),
  })
  .openapi('Token')
const madeToken = shown.extend({ token: z.string().openapi({ description: 'Shown this once.' }) }).openapi('NewToken')

interface TokenParts {
  tokens: Tokens
  targets: Pick<Targets, 'findFunction'>
}

export function bindTokens(app: HttpApp, { tokens, targets }: TokenParts, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/tokens',
      tag,
      scope: 'admin',
      summary: 'Create an API token (admin)',
      description: 'The token is in this answer and nowhere else; only its hash is kept.',
      body: newToken,
      answers: { 201: madeToken },
      refusals: ['invalid_request', 'forbidden', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newToken, await readObject(c, settings.maxBodyBytes))
      const { project_id: projectId, expires_in: expiresIn, name, roles, scopes } = fields
      const who = c.get('who')
      const functionId = fields.function && functionOf(targets, who, projectId, fields.function)
      const { token, secret } = tokens.create(who, { name, projectId, roles, scopes, functionId, expiresIn })
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
      method: 'post',
      path: '/v1/tokens/:id/rotate',
      tag,
      scope: 'admin',
      summary: 'Replace an API token by a new one (admin)',
      description: 'Name, project, roles and scopes stay. The previous token stays valid for "grace" seconds.',
      body: rotation,
      answers: { 200: madeToken },
      refusals: ['invalid_request', 'forbidden', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = uuidParam('Token', c.req.param('id'))
      const { grace, expires_in: expiresIn } = parseFields(rotation, await readObject(c, settings.maxBodyBytes))
      const { token, secret } = tokens.rotate(c.get('who'), id, { graceSeconds: grace, expiresIn })
      return c.json({ ...asShown(token), token: secret })
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/tokens/:id',
      tag,
      scope: 'admin',
      summary: 'Revoke an API token (admin)',
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

function toScopes(value: unknown): Scope[] {
  const isList = Array.isArray(value) && value.length > 0
  if (!isList || !value.every((scope) => scopeNames.includes(scope))) {
    throw invalid(`must be a list of ${scopeNames.join(', ')}.`)
  }
  return [...new Set(value as Scope[])]
}

/** The function of the project to which the token is limited. */
function functionOf(
  targets: TokenParts['targets'],
  who: Principal,
  projectId = who.projectId,
  nameOrId: string,
): string {
  return targets.findFunction({ projectId, roles: [], isAdmin: false }, nameOrId).id
}

function asShown(token: Token): z.output<typeof shown> {
  return {
    id: token.id,
    name: token.name,
    project_id: token.projectId,
    roles: token.roles,
    scopes: token.scopes,
    function_id: token.functionId,
    created_at: shownTime(token.createdAt),
    expires_at: shownTime(token.expiresAt),
    last_used_at: shownTime(token.lastUsedAt),
    previous_until: shownTime(token.previousUntil),
  }
}
