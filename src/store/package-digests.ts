import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

const digestStepBytes = 1024 * 1024

/** Works in steps, because 50 MiB at once would block the event loop. */
export async function digests(zip: Buffer): Promise<{ hash: string; md5sum: string }> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')]
  for (let at = 0; at < zip.length; at += digestStepBytes) {
    const step = zip.subarray(at, at + digestStepBytes)
    sha256.update(step)
    md5.update(step)
    if (zip.length > digestStepBytes) await setImmediate()
  }
  return { hash: sha256.digest('hex'), md5sum: md5.digest('hex') }
}
