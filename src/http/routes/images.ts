import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { ImageView } from '../../domain/functions/image-use.ts'
import type { Images, PruneResult } from '../../services/platform/images.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { parseFields, text, toBoolean } from '../fields.ts'
import { shownTime } from '../time.ts'

const tag = 'images'

const shown = z
  .object({
    id: z.string(),
    names: z.array(z.string()),
    size_bytes: z.int(),
    created_at: z.string(),
    used_by: z.array(z.string()).openapi({ description: 'For example "function greet".' }),
    unused: z.boolean().openapi({ description: 'Removed by the next prune.' }),
    other_release: z.boolean().openapi({ description: 'Whether it is the image of a runtime of another release.' }),
  })
  .openapi('Image')
const briefly = z.object({ id: z.string(), names: z.array(z.string()), size_bytes: z.int() })
const pruned = z.object({
  dry_run: z.boolean(),
  removed: z.array(briefly),
  kept: z.array(briefly),
  freed_bytes: z.int(),
})
const pulled = z.object({ image: text(512, 'Name of the image. Required.') })

/** The images of runtimes and functions in the server's engine. */
export function bindImages(app: HttpApp, images: Images, settings: { maxBodyBytes: number }): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/images',
      tag,
      summary:
        'List the images of runtimes and functions, and those that this installation pulled; the largest first (admin)',
      answers: { 200: z.object({ images: z.array(shown) }) },
      refusals: ['forbidden', 'engine_failed', 'not_supported'],
    },
    async (c) => c.json({ images: (await images.list(c.get('who'))).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/images/pull',
      scope: 'admin',
      tag,
      summary: 'Pull an image with the stored credentials of its registry (admin)',
      body: pulled,
      answers: { 200: z.object({ image: z.string() }) },
      refusals: ['invalid_request', 'forbidden', 'engine_failed', 'not_supported'],
    },
    async (c) => {
      const { image } = parseFields(pulled, await readObject(c, settings.maxBodyBytes))
      if (image === undefined) throw invalid('"image" is required: the name of a container image.')
      await images.pull(c.get('who'), image)
      return c.json({ image })
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/images/prune',
      scope: 'admin',
      tag,
      summary: 'Remove the images that no function or runtime uses (admin)',
      description:
        'Only those that this installation pulled, and those whose name belongs to a newer image. other_releases=true: also runtime images of other releases of Taibai, which other installations on the same engine may need. dry_run=true only lists what would be removed.',
      query: z.object({
        dry_run: z.enum(['true', 'false']).optional(),
        other_releases: z.enum(['true', 'false']).optional(),
      }),
      answers: { 200: pruned },
      refusals: ['invalid_request', 'forbidden', 'engine_failed', 'not_supported'],
    },
    async (c) => {
      const isDry = toBoolean(c.req.query('dry_run') ?? 'false')
      const otherReleases = toBoolean(c.req.query('other_releases') ?? 'false')
      return c.json(asPruned(await images.prune(c.get('who'), { isDry, otherReleases }), isDry))
    },
  )
}

const asShown = ({
  id,
  names,
  sizeBytes,
  createdAt,
  usedBy,
  isUnused,
  isOtherRelease,
}: ImageView): z.output<typeof shown> => ({
  id,
  names,
  size_bytes: sizeBytes,
  created_at: shownTime(createdAt),
  used_by: usedBy,
  unused: isUnused,
  other_release: isOtherRelease,
})

function asPruned({ removed, kept }: PruneResult, isDry: boolean): z.output<typeof pruned> {
  const brief = ({ id, names, sizeBytes }: PruneResult['removed'][number]) => ({ id, names, size_bytes: sizeBytes })
  const freed = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { dry_run: isDry, removed: removed.map(brief), kept: kept.map(brief), freed_bytes: freed }
}
