import { z } from '@hono/zod-openapi'
import type { RegistryLogin } from '../../domain/platform/registry.ts'
import type { Registries } from '../../services/platform/registries.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { parseFields, text } from '../fields.ts'
import { shownTime } from '../time.ts'

const tag = 'images'
const path = '/v1/registries/:name'

const login = z.object({
  username: text(255, 'Required.'),
  password: text(8192, 'Or a token of the registry. Required; no answer ever contains it.'),
})
const shown = z.object({ registry: z.string(), username: z.string(), created_at: z.string() }).openapi('Registry')
const made = shown.extend({
  checked: z.boolean().openapi({ description: 'False: the registry did not answer, so they are not checked.' }),
})

/** Credentials for image registries. */
export function bindRegistries(app: HttpApp, registries: Registries, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/registries',
      tag,
      summary: 'List the registries with stored credentials, without the passwords (admin)',
      answers: { 200: z.object({ registries: z.array(shown) }) },
      refusals: ['forbidden'],
    },
    (c) => c.json({ registries: registries.list(c.get('who')).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'put',
      path,
      scope: 'admin',
      tag,
      summary: 'Store the credentials of a registry, by its host; images are pulled with them (admin)',
      body: login,
      answers: { 200: made },
      refusals: ['invalid_request', 'forbidden'],
    },
    async (c) => {
      const given = parseFields(login, await readObject(c, settings.maxBodyBytes))
      const { login: kept, checked } = await registries.logIn(c.get('who'), c.req.param('name'), given)
      return c.json({ ...asShown(kept), checked: checked === 'accepted' })
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      scope: 'admin',
      tag,
      summary: 'Delete the credentials of a registry (admin)',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'forbidden', 'not_found'],
    },
    (c) => {
      registries.logOut(c.get('who'), c.req.param('name'))
      return c.body(null, 204)
    },
  )
}

const asShown = ({ registry, username, createdAt }: RegistryLogin): z.output<typeof shown> => ({
  registry,
  username,
  created_at: shownTime(createdAt),
})
