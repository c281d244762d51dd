import { z } from '@hono/zod-openapi'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { baseUrl, sentPath } from '../path.ts'

const versions = z.object({
  versions: z.array(
    z.object({
      id: z.literal('v1.0'),
      status: z.literal('CURRENT'),
      links: z.array(z.object({ href: z.string(), target: z.literal('v1'), rel: z.literal('self') })),
    }),
  ),
})
const root = z.object({ uri: z.string() })

/** API discovery, as in the contract. */
export function bindVersionsRoot(app: HttpApp, settings: { trustProxy: boolean }): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/',
      tag: 'discovery',
      summary: 'List the versions of the API',
      public: true,
      answers: { 200: versions },
    },
    (c) => {
      const links = [{ href: `${baseUrl(c, settings.trustProxy)}/v1`, target: 'v1', rel: 'self' }]
      return c.json({ versions: [{ id: 'v1.0', status: 'CURRENT', links }] })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1',
      tag: 'discovery',
      summary: 'Show the URL of version 1 of the API',
      description: '/v1 redirects to /v1/, which answers.',
      public: true,
      answers: { 200: root, 302: 'nothing' },
    },
    (c) => {
      const uri = `${baseUrl(c, settings.trustProxy)}/v1`
      return sentPath(c) === '/v1' ? c.redirect(`${uri}/`, 302) : c.json({ uri })
    },
  )
}
