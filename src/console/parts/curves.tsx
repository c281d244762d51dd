import { useEffect, useRef, useState } from 'preact/hooks'

/** Lines through points of two measures, drawn as SVG. */

export interface CurveLine {
  name: string
  points: { x: number; y: number; says: string }[]
}

interface Axis {
  title: string
  text(value: number): string
}

const height = 300
const margin = { left: 64, right: 16, top: 12, bottom: 44 }
/** Each line has markers of its own, because not everybody can distinguish the colours. */
const marks = ['M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0', 'M-4,-4h8v8h-8z', 'M0,-5l5,9h-10z', 'M0,-5l5,5l-5,5l-5,-5z']
const markOf = (at: number): string => marks[at % marks.length] as string

export function Curves({ title, lines, x, y }: { title: string; lines: CurveLine[]; x: Axis; y: Axis }) {
  const [holder, width] = useWidth()
  const all = lines.flatMap(({ points }) => points)
  const [least, most] = [Math.max(1, Math.min(...all.map((at) => at.x))), Math.max(2, ...all.map((at) => at.x))]
  const yTicks = roundTicks(Math.max(...all.map((at) => at.y)) || 1)
  const highest = yTicks.at(-1) as number
  const span = Math.log(most / least) || 1
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom }
  const xOf = (value: number): number => margin.left + (Math.log(Math.max(least, value) / least) / span) * inner.width
  /** A square root makes small values visible and keeps zero at zero. */
  const yOf = (value: number): number => margin.top + (1 - Math.sqrt(value / highest)) * inner.height
  return (
    <figure class="chart curves">
      <figcaption>{title}</figcaption>
      <div ref={holder}>
        <svg width={width} height={height} role="img" aria-label={`${title}: the table below has the numbers`}>
          {yTicks.map((tick) => (
            <g key={tick} class="tick">
              <line x1={margin.left} x2={width - margin.right} y1={yOf(tick)} y2={yOf(tick)} />
              <text x={margin.left - 8} y={yOf(tick) + 4} text-anchor="end">
                {y.text(tick)}
              </text>
            </g>
          ))}
          {ticksBetween(least, most).map((tick) => (
            <g key={tick} class="tick">
              <line x1={xOf(tick)} x2={xOf(tick)} y1={margin.top} y2={height - margin.bottom} />
              <text x={xOf(tick)} y={height - margin.bottom + 16} text-anchor="middle">
                {x.text(tick)}
              </text>
            </g>
          ))}
          <text x={margin.left + inner.width / 2} y={height - 6} text-anchor="middle" class="axis">
            {x.title}
          </text>
          {lines.map(({ name, points }, at) => (
            <g key={name} class={`line c${at + 1}`}>
              <polyline points={points.map((point) => `${xOf(point.x)},${yOf(point.y)}`).join(' ')} />
              {points.map((point) => (
                <path key={point.says} d={markOf(at)} transform={`translate(${xOf(point.x)},${yOf(point.y)})`}>
                  <title>{`${name}, ${point.says}`}</title>
                </path>
              ))}
            </g>
          ))}
        </svg>
      </div>
    </figure>
  )
}

export function CurveLegend({ names }: { names: readonly string[] }) {
  return (
    <ul class="curve-legend">
      {names.map((name, at) => (
        <li key={name}>
          <svg width="14" height="14" viewBox="-7 -7 14 14" class={`line c${at + 1}`} aria-hidden="true">
            <path d={markOf(at)} />
          </svg>
          {name}
        </li>
      ))}
    </ul>
  )
}

/** Zero and round numbers up to the first that is not below `most`; in a scale of square roots they lie far enough apart. */
function roundTicks(most: number): number[] {
  const ten = Math.ceil(Math.log10(most))
  const round = [-2, -1, 0].flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${ten + power}`)))
  const top = round.findIndex((tick) => tick >= most)
  return [0, ...round.slice(Math.max(0, top - 4), top + 1)]
}

/** Powers of two, few enough to be readable. */
function ticksBetween(least: number, most: number): number[] {
  const first = Math.ceil(Math.log2(least))
  const last = Math.floor(Math.log2(most))
  const step = Math.max(1, Math.ceil((last - first + 1) / 6))
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, at) => 2 ** (first + at * step))
}

/** Width of the element with the ref. */
function useWidth() {
  const holder = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(600)
  useEffect(() => {
    const element = holder.current as HTMLDivElement
    const observer = new ResizeObserver(() => setWidth(Math.max(280, element.clientWidth)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [holder, width] as const
}
