import { z } from '@hono/zod-openapi'
import { endpoint, type HttpApp } from '../endpoint.ts'

/** Liveness and readiness. */
export function bindHealth(app: HttpApp, parts: { isReady(): boolean }): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/healthz',
      tag: 'health',
      summary: 'Liveness: whether the process runs',
      public: true,
      answers: { 200: z.object({ status: z.literal('ok') }) },
    },
    (c) => c.json({ status: 'ok' }),
  )

  const ready = z.object({ ready: z.boolean() })
  endpoint(
    app,
    {
      method: 'get',
      path: '/readyz',
      tag: 'health',
      summary:
        'Readiness: whether the server accepts work; 503 while it starts or stops, or the engine does not answer',
      public: true,
      answers: { 200: ready, 503: ready },
    },
    (c) => {
      const isReady = parts.isReady()
      return c.json({ ready: isReady }, isReady ? 200 : 503)
    },
  )
}
