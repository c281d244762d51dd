import type { JobCalendar } from '../../client/resources/jobs.ts'

const minuteMs = 60_000
const dayMinutes = 1440
const mostLanes = 30
const mostCollisions = 8
const mostTimes = 4
const mostNames = 5

interface Collision {
  /** Minutes since the beginning. */
  at: number
  names: string[]
}

/** Next 24 hours with a lane for each job; a line marks minutes in which several are due. */
export function JobDay({ calendar }: { calendar: JobCalendar }) {
  const from = Math.floor(Date.parse(calendar.from) / minuteMs) * minuteMs
  const lanes = calendar.jobs.map(({ id, name, times, more }) => {
    const minutes = times.map((time) => Math.floor((Date.parse(time) - from) / minuteMs))
    return { id, name: name ?? id, minutes, more }
  })
  if (lanes.length === 0) return null
  const collisions = collisionsOf(lanes)
  const shared = new Set(collisions.map(({ at }) => at))
  const clock = (minutes: number): string =>
    new Date(from + minutes * minuteMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  return (
    <figure class="day">
      <figcaption>
        Next 24 hours
        <span class="legend">
          <span class="key">runs</span>
          <span class="key wait">several in the same minute</span>
        </span>
      </figcaption>
      <div class="lanes">
        {lanes.slice(0, mostLanes).map(({ id, name, minutes, more }) => (
          <div key={id} class="lane">
            <span class="cut">{name}</span>
            <svg
              viewBox={`0 0 ${dayMinutes} 10`}
              preserveAspectRatio="none"
              role="img"
              aria-label={`${name}: ${minutes.length} runs${more ? ' and more' : ''}, the next at ${clock(minutes[0] ?? 0)}`}
            >
              <line x1="0" x2={dayMinutes} y1="5" y2="5" />
              {collisions.map(({ at }) => (
                <rect key={at} class="collision" x={at} y="0" width="3" height="10" />
              ))}
              {more && (
                <rect
                  class="band"
                  x={minutes[0]}
                  y="2"
                  width={Math.max(0, dayMinutes - (minutes[0] ?? 0))}
                  height="6"
                />
              )}
              {!more &&
                minutes.map((at) => (
                  <rect key={at} class={shared.has(at) ? 'shared' : ''} x={at} y="1" width="4" height="8">
                    <title>{`${name}: ${clock(at)}`}</title>
                  </rect>
                ))}
            </svg>
          </div>
        ))}
        <div class="lane" aria-hidden="true">
          <span />
          <div class="hours">
            {[0, 6, 12, 18, 24].map((hours) => (
              <span key={hours}>{clock(hours * 60)}</span>
            ))}
          </div>
        </div>
      </div>
      {lanes.length > mostLanes && <p>{`${lanes.length - mostLanes} more jobs run within the day.`}</p>}
      {collisions.length > 0 && (
        <p>
          Collisions:{' '}
          {togetherOf(collisions)
            .slice(0, mostCollisions)
            .map(({ names, minutes }) => `${timesText(minutes.map(clock))}: ${namesText(names)}`)
            .join('; ')}
          .
        </p>
      )}
    </figure>
  )
}

/** The same jobs are named once with all their times, the most jobs first. */
function togetherOf(collisions: Collision[]): { names: string[]; minutes: number[] }[] {
  const byNames = new Map<string, { names: string[]; minutes: number[] }>()
  for (const { at, names } of collisions) {
    const key = names.join('\n')
    byNames.set(key, { names, minutes: [...(byNames.get(key)?.minutes ?? []), at] })
  }
  return [...byNames.values()].sort((a, b) => b.names.length - a.names.length)
}

const timesText = (times: string[]): string =>
  times.length > mostTimes
    ? `${times.slice(0, mostTimes).join(', ')} and ${times.length - mostTimes} more`
    : times.join(', ')
const namesText = (names: string[]): string =>
  names.length > mostNames ? `${names.slice(0, mostNames).join(', ')} …` : names.join(', ')

/** Minutes in which more than one is due; jobs that run all the time are no news. */
function collisionsOf(lanes: { name: string; minutes: number[]; more: boolean }[]): Collision[] {
  const byMinute = new Map<number, Set<string>>()
  for (const { name, minutes, more } of lanes) {
    if (more) continue
    for (const at of minutes) byMinute.set(at, (byMinute.get(at) ?? new Set()).add(name))
  }
  return [...byMinute].filter(([, names]) => names.size > 1).map(([at, names]) => ({ at, names: [...names] }))
}
