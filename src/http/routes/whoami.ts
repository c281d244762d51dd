import { z } from '@hono/zod-openapi'
import { actorOf } from '../../domain/platform/principal.ts'
import { scopeNames } from '../../domain/platform/scope.ts'
import type { Tokens } from '../../services/platform/tokens.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { shownTime } from '../time.ts'

const shown = z
  .object({
    kind: z
      .enum(['token', 'user', 'function', 'open'])
      .openapi({ description: 'Whose token it is; open: none is asked for.' }),
    id: z.string().nullable(),
    name: z.string().nullable(),
    project_id: z.string(),
    roles: z.array(z.string()),
    scopes: z.array(z.enum(scopeNames)).nullable().openapi({ description: 'Null: all that the roles allow.' }),
    function_id: z.string().nullable().openapi({ description: 'The one function that the token is for; null: any.' }),
    expires_at: z.string().nullable(),
  })
  .openapi('WhoAmI')

export function bindWhoAmI(app: HttpApp, tokens: Tokens): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/whoami',
      tag: 'tokens',
      scope: scopeNames,
      onlyFunction: 'free',
      summary: 'Show the caller, and what the caller may do',
      answers: { 200: shown },
    },
    (c) => {
      const who = c.get('who')
      const endsAt = who.session?.expiresAtMs ?? tokens.own(who)?.expiresAt ?? null
      const answer: z.output<typeof shown> = {
        ...actorOf(who),
        project_id: who.projectId,
        roles: who.roles,
        scopes: who.scopes === undefined ? null : [...who.scopes],
        function_id: who.onlyFunction ?? null,
        expires_at: shownTime(endsAt),
      }
      return c.json(answer)
    },
  )
}
