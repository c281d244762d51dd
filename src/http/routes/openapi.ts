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
  let made: OpenApiDocument | undefined
  const document = (): OpenApiDocument => (made ??= documentOf(app))

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
    (c) => c.json(document()),
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
      c.html(openApiPage(document()), 200, {
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      }),
  )
}

function documentOf(app: HttpApp): OpenApiDocument {
  registerPaths(app)
  return app.getOpenAPI31Document(about)
}
