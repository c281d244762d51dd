import { z } from '@hono/zod-openapi'
import type { AccessKey } from '../../domain/platform/access-key.ts'
import type { AccessKeys } from '../../services/platform/access-keys.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { parseFields, text, uuid } from '../fields.ts'
import { shownTime } from '../time.ts'

const tag = 'tokens'

const newKey = z.object({
  name: text(255, 'What it is for. Required.'),
  token_id: uuid("The token that it represents; default: the caller's. Another one needs the admin role."),
})

const shown = z
  .object({
    access_key_id: z.string(),
    name: z.string(),
    token_id: z.string().nullable().openapi({ description: 'Null: the admin token of the installation.' }),
    project_id: z.string(),
    created_at: z.string(),
  })
  .openapi('AccessKey')
const madeKey = shown
  .extend({ secret_access_key: z.string().openapi({ description: 'Shown this once.' }) })
  .openapi('NewAccessKey')

export function bindAccessKeys(app: HttpApp, keys: AccessKeys, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/access-keys',
      tag,
      scope: 'admin',
      summary: 'Create an access key for a token',
      description:
        'For clients that sign what they send (AWS CLI, boto3, AWS SDKs). It has the permissions of its token, and ends with it. ' +
        'The secret is in this answer and nowhere else; it is kept encrypted.',
      body: newKey,
      answers: { 201: madeKey },
      refusals: ['invalid_request', 'forbidden', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const { name, token_id: tokenId } = parseFields(newKey, await readObject(c, settings.maxBodyBytes))
      const { key, secret } = keys.create(c.get('who'), { name, tokenId })
      return c.json({ ...asShown(key), secret_access_key: secret }, 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/access-keys',
      tag,
      scope: 'admin',
      summary: 'List access keys, without their secrets',
      answers: { 200: z.object({ access_keys: z.array(shown) }) },
    },
    (c) => c.json({ access_keys: keys.list(c.get('who')).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/access-keys/:id',
      tag,
      scope: 'admin',
      summary: 'Revoke an access key: requests signed with it are refused',
      answers: { 204: 'nothing' },
      refusals: ['not_found'],
    },
    (c) => {
      keys.delete(c.get('who'), c.req.param('id'))
      return c.body(null, 204)
    },
  )
}

function asShown(key: AccessKey): z.output<typeof shown> {
  return {
    access_key_id: key.id,
    name: key.name,
    token_id: key.tokenId,
    project_id: key.projectId,
    created_at: shownTime(key.createdAt),
  }
}
