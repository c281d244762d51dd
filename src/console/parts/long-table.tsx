import { useEffect, useRef, useState } from 'preact/hooks'
import { Table, type TableProps } from './basics.tsx'

/** Rows rendered above and below the visible ones, so that scrolling shows no gaps. */
const spare = 30
/** Height of a row before the first one is measured. */
const usualHeight = 38

/**
 * A table of any length: only visible rows and some around them are in the page. All rows have the same height. `onEnd` is called
 * near the last rows.
 */
export function LongTable<Row>({ rows, onEnd, ...table }: TableProps<Row> & { onEnd(): void }) {
  const holder = useRef<HTMLDivElement>(null)
  const height = useRef(usualHeight)
  const [range, setRange] = useState({ first: 0, last: spare * 2 })
  const latest = useRef({ count: rows.length, onEnd })
  latest.current = { count: rows.length, onEnd }
  const look = () => {
    const element = holder.current
    if (element === null) return
    const row = element.querySelector('tbody tr:not(.gap)')
    if (row !== null) height.current = row.getBoundingClientRect().height || usualHeight
    const above = -element.getBoundingClientRect().top / height.current
    const seen = innerHeight / height.current
    const first = Math.max(0, Math.floor(above) - spare)
    const last = Math.ceil(above + seen) + spare
    setRange((known) => (known.first === first && known.last === last ? known : { first, last }))
    if (last > latest.current.count) latest.current.onEnd()
  }
  useEffect(() => {
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [])
  useEffect(look, [rows.length])
  const first = Math.min(range.first, Math.max(0, rows.length - 1))
  const last = Math.min(range.last, rows.length)
  const gaps = { above: first * height.current, below: (rows.length - last) * height.current }
  return (
    <div ref={holder}>
      <Table {...table} rows={rows.slice(first, last)} gaps={gaps} count={rows.length} />
    </div>
  )
}
