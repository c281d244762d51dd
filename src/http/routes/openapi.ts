import { z } from '@hono/zod-openapi'
import { endpoint, type HttpApp, registerPaths } from '../endpoint.ts'
import { openApiPage } from '../pages/openapi-page.ts'

type OpenApiDocument = ReturnType<HttpApp['getOpenAPI31Document']>

const about = {
  openapi: '3.1.0',
  info: {
    title: 'Taibai',
    version: '1',
    description: "Functions as a service on one host. /v1 is OpenStack Qinling's v1 API with additions.",
  },
}

/** The API as a document for programs, and as a page for people. It is bound last, because it lists everything bound before. */
export function bindOpenApi(app: HttpApp): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Auth-Token',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  // Made once: anybody may ask for them, as often as they like.
  let made: { json: string; html: string } | undefined
  const texts = () => (made ??= textsOf(documentOf(app)))

  endpoint(
    app,
    {
      method: 'get',
      path: '/openapi.json',
      tag: 'documentation',
      summary: 'The API as an OpenAPI 3.1 document',
      public: true,
      answers: { 200: z.any() },
    },
    (c) => c.body(texts().json, 200, { 'Content-Type': 'application/json' }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/docs/openapi',
      tag: 'documentation',
      summary: 'The API as a page',
      public: true,
      answers: { 200: 'html' },
    },
    (c) =>
      c.html(texts().html, 200, {
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      }),
  )
}

const textsOf = (document: OpenApiDocument) => ({ json: JSON.stringify(document), html: openApiPage(document) })

function documentOf(app: HttpApp): OpenApiDocument {
  registerPaths(app)
  return app.getOpenAPI31Document(about)
}
