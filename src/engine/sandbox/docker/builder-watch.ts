import { setTimeout as pause } from 'node:timers/promises'

/** How much a build writes is seen from inside, where the build may be in the way of whoever looks: then it ends, too. */

export type SizeFinding = 'too large' | 'hidden' | 'unseen'

/** Exit codes of a look. */
const [isTooLarge, isHidden] = [3, 4]
/** So many in a row that have no answer are no chance. */
const mostFailedLooks = 3
const lookTimeoutMs = 60_000

/** Commands of a shell that look once. */
export const sizeLook = (folder: string, mostKib: number): string => `out=$(du -sk ${folder} 2>&1)
case "$out" in *denied*) exit ${isHidden};; esac
[ "$(printf '%s' "$out" | tail -n 1 | cut -f 1)" -le ${mostKib} ] || exit ${isTooLarge}`

/** Resolves only when something is wrong. `look`: resolves to its exit code; `wait`: until the next. */
export async function watchSize(
  look: () => Promise<number>,
  wait: () => Promise<void>,
  ended: AbortSignal,
): Promise<SizeFinding> {
  for (let failed = 0; ; ) {
    await wait()
    if (ended.aborted) return new Promise(() => {})
    const code = await Promise.race([look().catch(() => null), pause(lookTimeoutMs, null, { ref: false })])
    if (code === isTooLarge) return 'too large'
    if (code === isHidden) return 'hidden'
    failed = code === 0 ? 0 : failed + 1
    if (failed === mostFailedLooks && !ended.aborted) return 'unseen'
  }
}
