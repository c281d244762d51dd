import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

export interface Series {
  label: string
  /** Name of a colour in the style sheet, such as `--run`. */
  color: string
  values: (number | null)[]
}

/** Resolves a colour of the style sheet in the current theme, for the canvas. */
function colorOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.color = ''
  return color
}

const heightPx = 160
/** The last time is half beside the lines. */
const paddingPx: uPlot.Padding = [8, 36, 0, 0]
const mostWithSeconds = 300

/** To the second only where ticks are closer than a minute. */
const clock = (seconds: number, span: number): string =>
  new Date(seconds * 1000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    ...(span <= mostWithSeconds && { second: '2-digit' }),
  })

/** Short enough for the axis. */
const tickText = (tick: number, unit: string): string =>
  unit === ' ms' && tick >= 1000 ? `${tick / 1000} s` : `${tick}${unit}`

/** Lines over the last `seconds`, drawn again when values come. */
export function Chart({
  title,
  seconds,
  times,
  series,
  unit,
}: {
  title: string
  seconds: number
  times: number[]
  series: Series[]
  unit: string
}) {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  useEffect(() => {
    const element = holder.current as HTMLDivElement
    const axis = {
      stroke: colorOf(element, '--dim'),
      grid: { stroke: colorOf(element, '--line'), width: 1 },
    }
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: heightPx,
        padding: paddingPx,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { range: (_self, _first, last) => [(last || Date.now() / 1000) - seconds, last || Date.now() / 1000] },
          y: { range: (_self, _least, most) => [0, Math.max(1, most * 1.1)] },
        },
        axes: [
          { ...axis, space: 110, size: 34, values: (_self, ticks) => ticks.map((tick) => clock(tick, seconds)) },
          { ...axis, size: 80, values: (_self, ticks) => ticks.map((tick) => tickText(tick, unit)) },
        ],
        series: [
          {},
          ...series.map(({ label, color }) => ({
            label,
            stroke: colorOf(element, color),
            width: 2,
            points: { show: false },
          })),
        ],
      },
      [times, ...series.map(({ values }) => values)],
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData([times, ...series.map(({ values }) => values)]))
  const last = series.map(({ label, values }) => `${label} ${values.at(-1) ?? 'none'}${unit}`).join(', ')
  return (
    <figure class="chart">
      <figcaption>
        {title}
        <span class="legend">
          {series.map(({ label, color }) => (
            <span key={label} class={`key ${color.slice(2)}`}>
              {label}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={holder} role="img" aria-label={`${title}: ${last}`} />
    </figure>
  )
}
