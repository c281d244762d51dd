import { z } from '@hono/zod-openapi'
import type { Backup } from '../../domain/platform/backup.ts'
import type { Backups } from '../../services/platform/backups.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { shownTime } from '../time.ts'

const tag = 'backups'
const path = '/v1/backups/:name'
const shown = z.object({ name: z.string(), size_bytes: z.int(), created_at: z.string() }).openapi('Backup')

export function bindBackups(app: HttpApp, backups: Backups): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/backups',
      scope: 'admin',
      tag,
      summary: 'Back up all persistent data into one file while calls continue (admin)',
      description: 'Both databases and all packages, consistent. "taibai restore" makes a data folder from it.',
      answers: { 201: shown },
      refusals: ['forbidden'],
    },
    async (c) => c.json(asShown(await backups.create(c.get('who'))), 201),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/backups',
      tag,
      summary: 'List the backups on the server, oldest first (admin)',
      answers: { 200: z.object({ backups: z.array(shown) }) },
      refusals: ['forbidden'],
    },
    async (c) => c.json({ backups: (await backups.list(c.get('who'))).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path,
      scope: 'admin',
      tag,
      summary: 'Download a backup (admin)',
      answers: { 200: 'tar' },
      refusals: ['forbidden', 'not_found'],
    },
    async (c) => {
      const { stream, sizeBytes } = await backups.open(c.get('who'), c.req.param('name'))
      return c.body(stream, 200, { 'Content-Type': 'application/x-tar', 'Content-Length': String(sizeBytes) })
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      scope: 'admin',
      tag,
      summary: 'Remove a backup from the server (admin)',
      answers: { 204: 'nothing' },
      refusals: ['forbidden', 'not_found'],
    },
    async (c) => {
      await backups.delete(c.get('who'), c.req.param('name'))
      return c.body(null, 204)
    },
  )
}

const asShown = ({ name, sizeBytes, createdAt }: Backup): z.output<typeof shown> => ({
  name,
  size_bytes: sizeBytes,
  created_at: shownTime(createdAt),
})
