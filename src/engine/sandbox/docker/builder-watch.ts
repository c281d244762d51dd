import { setTimeout as pause } from 'node:timers/promises'

/**
 * The size of a build's files is measured inside its container, where the build may interfere with the measurement: then the
 * build ends, too.
 */

export type SizeFinding = 'too large' | 'hidden' | 'unseen'

/** Exit codes of a measurement. */
const [isTooLarge, isHidden] = [3, 4]
/** Consecutive failed measurements after which the size counts as unseen. */
const mostFailedLooks = 3
const lookTimeoutMs = 60_000

/** Shell commands of one measurement. */
export const sizeLook = (folder: string, mostKib: number): string => `out=$(du -sk ${folder} 2>&1)
case "$out" in *denied*) exit ${isHidden};; esac
[ "$(printf '%s' "$out" | tail -n 1 | cut -f 1)" -le ${mostKib} ] || exit ${isTooLarge}`

/** Resolves only when something is wrong. `look`: measures once and resolves to the exit code; `wait`: pauses until the next. */
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
