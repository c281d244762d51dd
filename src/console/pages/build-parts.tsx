import { useEffect, useRef, useState } from 'preact/hooks'
import type { BuildRow } from '../../client/resources/builds.ts'
import { apiRequest, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Badge, Table } from '../parts/basics.tsx'
import { Link } from '../router.tsx'
import { mebibytes, ms, time } from '../text.ts'

/** A build with its output so far, updated as it runs. */
export function useBuild(id: string) {
  const build = useLoad(() => get<BuildRow>(`/v1/builds/${encodeURIComponent(id)}`), [id])
  const [log, setLog] = useState('')
  useEffect(() => {
    const stop = new AbortController()
    void followed(id, setLog, stop.signal).then(build.reload)
    return () => stop.abort()
  }, [id])
  return { ...build, log }
}

const againMs = 1000

/** Follows it to its end, reconnecting when the server was away. */
async function followed(id: string, show: (log: string) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const build = await read(id, show, signal).catch(() => null)
    if (build !== null && build.status !== 'running') return
    await new Promise((resolve) => setTimeout(resolve, againMs))
  }
}

async function read(id: string, show: (log: string) => void, signal: AbortSignal): Promise<BuildRow | null> {
  const answer = await apiRequest('GET', `/v1/builds/${encodeURIComponent(id)}/log?follow=true`, { signal })
  if (!answer.ok || answer.body === null) return get<BuildRow>(`/v1/builds/${encodeURIComponent(id)}`)
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let log = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done || signal.aborted) break
    log += value
    show(log)
  }
  return get<BuildRow>(`/v1/builds/${encodeURIComponent(id)}`)
}

/** Scrolls to the end, unless the person has scrolled back. */
export function BuildLogText({ log, isOver }: { log: string; isOver: boolean }) {
  const holder = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  useEffect(() => {
    const { current: pre } = holder
    if (pre !== null && isAtEnd.current) pre.scrollTop = pre.scrollHeight
  }, [log])
  const onScroll = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: { currentTarget: HTMLElement }) => {
    isAtEnd.current = scrollTop + clientHeight > scrollHeight - 20
  }
  const empty = isOver ? 'No output.' : 'No output yet.'
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
    <pre role="log" aria-label="Output of the build" tabIndex={0} class="live" ref={holder} onScroll={onScroll}>
      {log === '' ? empty : log}
    </pre>
  )
}

export function BuildTable({ rows, ofOne = false }: { rows: BuildRow[]; ofOne?: boolean }) {
  const columns = [
    { title: 'State', cell: (row: BuildRow) => <Badge kind={row.status} /> },
    ...(ofOne
      ? []
      : [
          {
            title: 'Function',
            cell: (row: BuildRow) => <span class="cut">{row.function_name ?? row.function_id ?? '–'}</span>,
          },
        ]),
    { title: 'Started', cell: (row: BuildRow) => <Link to={`/builds/${row.id}`}>{time(row.created_at)}</Link> },
    { title: 'Duration', cell: tookText, number: true },
    { title: 'Dependencies', cell: (row: BuildRow) => row.list },
    {
      title: 'Installed',
      cell: (row: BuildRow) => (row.size === null ? '–' : `${mebibytes(row.size)}${row.cached ? ', before' : ''}`),
    },
    { title: 'Error', cell: (row: BuildRow) => <span class="rest">{row.error ?? '–'}</span> },
  ]
  return <Table label="Builds" rows={rows} keyOf={({ id }) => id} columns={columns} />
}

export const tookText = ({ created_at, ended_at }: BuildRow): string =>
  ended_at === null ? '–' : ms(Date.parse(ended_at) - Date.parse(created_at))
