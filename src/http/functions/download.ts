import type { Download } from '../../services/functions/download.ts'
import type { Ctx } from '../request-context.ts'

/** Words for yes in `?download=`; everything else means no. */
export const wantsDownload = (c: Ctx): boolean =>
  ['1', 't', 'true', 'on', 'y', 'yes'].includes((c.req.query('download') ?? '').toLowerCase())

/** A package as it was uploaded: streamed and never compressed, whatever the caller accepts. */
export function downloadResponse(c: Ctx, { stream, sizeBytes, fileName }: Download): Response {
  return c.body(stream, 200, {
    'Content-Type': 'application/zip',
    'Content-Disposition': `attachment; filename="${fileName}"`,
    ...(sizeBytes !== null && { 'Content-Length': String(sizeBytes) }),
  })
}
