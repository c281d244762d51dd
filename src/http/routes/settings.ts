import { z } from '@hono/zod-openapi'
import { requireAdmin } from '../../domain/platform/principal.ts'
import type { SettingInEffect } from '../../domain/platform/setting.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'

const shown = z
  .object({
    name: z.string().openapi({ description: 'Its environment variable.' }),
    subject: z.string(),
    about: z.string(),
    value: z.string().nullable().openapi({ description: 'Null: none is set, or it is secret.' }),
    secret: z.boolean(),
    given: z.boolean().openapi({ description: 'False: it is the default.' }),
  })
  .openapi('Setting')

export function bindSettings(app: HttpApp, inEffect: () => SettingInEffect[]): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/settings',
      tag: 'settings',
      summary: "Show the server's effective settings, without secrets (admin)",
      answers: { 200: z.object({ settings: z.array(shown) }) },
      refusals: ['forbidden'],
    },
    (c) => {
      requireAdmin(c.get('who'), 'Reading the settings')
      return c.json({ settings: inEffect().map(asShown) })
    },
  )
}

const asShown = ({ isSecret, isGiven, ...same }: SettingInEffect): z.output<typeof shown> => ({
  ...same,
  secret: isSecret,
  given: isGiven,
})
