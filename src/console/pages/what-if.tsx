import { useEffect, useRef, useState } from 'preact/hooks'
import type { CurvePoint } from '../../simulator/curves.ts'
import { token } from '../api.ts'
import { Empty, Field, Page, Table } from '../parts/basics.tsx'
import { CurveLegend, type CurveLine, Curves } from '../parts/curves.tsx'
import type { WhatIfNews, WhatIfQuestion } from '../simulate-worker.ts'
import { ms, percent } from '../text.ts'

const dayMs = 86_400_000
const spans: [days: number, text: string][] = [
  [1, 'the last day'],
  [7, 'the last week'],
  [30, 'the last month'],
]

type Begun = Extract<WhatIfNews, { kind: 'begun' }>

/** Replays the server's past calls with other memory budgets and other policies for keeping workers. */
export function WhatIfPage() {
  const [days, setDays] = useState(7)
  const [state, setState] = useState<'idle' | 'busy' | 'done'>('idle')
  const [about, setAbout] = useState<Begun>()
  const [points, setPoints] = useState<CurvePoint[]>([])
  const [says, setSays] = useState('')
  const worker = useRef<Worker | undefined>(undefined)
  const stop = () => {
    worker.current?.terminate()
    setState('idle')
  }
  useEffect(() => () => worker.current?.terminate(), [])
  const begin = () => {
    stop()
    setPoints([])
    setAbout(undefined)
    setSays('Reading the calls …')
    setState('busy')
    const made = new Worker('/console/simulate-worker.js', { type: 'module' })
    worker.current = made
    made.onmessage = ({ data }: MessageEvent<WhatIfNews>) => heard(data)
    made.onerror = () => heard({ kind: 'failed', says: 'The browser could not run the simulator.' })
    const since = new Date(Date.now() - days * dayMs).toISOString()
    made.postMessage({ token: token.value, since } satisfies WhatIfQuestion)
  }
  const heard = (news: WhatIfNews) => {
    if (news.kind === 'read') setSays(`Reading the calls: ${news.calls} …`)
    else if (news.kind === 'begun') setAbout(news)
    else if (news.kind === 'point') setPoints((known) => [...known, news.point])
    else {
      setSays(news.kind === 'failed' ? news.says : '')
      setState(news.kind === 'failed' ? 'idle' : 'done')
      worker.current?.terminate()
    }
  }
  const isDrawing = about !== undefined && state === 'busy'
  return (
    <Page title="What if">
      <p class="prose">
        The calls that this server has had are replayed here in the browser: with other memory budgets, and with other
        ways of keeping workers. Nothing of it changes the server.
      </p>
      <div class="bar">
        <Field label="Calls of">
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {spans.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <div class="actions">
          <button type="button" class="primary" disabled={state === 'busy'} onClick={begin}>
            Replay
          </button>
          {state === 'busy' && (
            <button type="button" onClick={stop}>
              Stop
            </button>
          )}
          <span role="status">{isDrawing ? `${points.length} of ${about.points} replays` : says}</span>
        </div>
      </div>
      {about !== undefined && (
        <p>{`${about.calls} calls of ${about.functions} function versions in ${about.hours < 1 ? `${Math.ceil(about.hours * 60)} min` : `${about.hours.toFixed(1)} hours`}. The budget of this server is ${about.budgetMib} MiB.`}</p>
      )}
      {points.length === 0 && state === 'idle' && says === '' && (
        <Empty>A replay shows what more or less memory would have meant for cold starts and waiting.</Empty>
      )}
      {points.length > 0 && <Results points={points} />}
    </Page>
  )
}

function Results({ points }: { points: CurvePoint[] }) {
  const names = [...new Set(points.map(({ policy }) => policy))]
  const lines = (y: (point: CurvePoint) => number): CurveLine[] =>
    names.map((name) => ({
      name,
      points: points
        .filter(({ policy }) => policy === name)
        .toSorted((a, b) => a.idleMib - b.idleMib)
        .map((point) => ({ x: point.idleMib, y: y(point), says: `${point.size}: ${sentenceOf(point)}` })),
    }))
  const memory = { title: 'mean idle memory (MiB)', text: String }
  return (
    <>
      <CurveLegend names={names} />
      <div class="charts">
        <Curves
          title="Cold starts"
          lines={lines(({ cold, calls }) => cold / calls)}
          x={memory}
          y={{ title: 'cold', text: (value) => percent(value) }}
        />
        <Curves
          title="Wait for a worker per call"
          lines={lines(({ waitedMs, calls }) => waitedMs / calls)}
          x={memory}
          y={{ title: 'waiting', text: (value) => ms(value) }}
        />
      </div>
      <Table
        label="Policies"
        rows={points}
        keyOf={({ policy, size }) => `${policy} ${size}`}
        columns={[
          { title: 'Policy', cell: ({ policy }) => policy },
          { title: 'Budget or timeout', cell: ({ size }) => size, number: true },
          { title: 'Cold', cell: ({ cold, calls }) => `${cold} (${percent(cold / calls)})`, number: true },
          { title: 'Prewarmed', cell: ({ prewarmed }) => prewarmed, number: true },
          { title: 'Wait per call', cell: ({ waitedMs, calls }) => ms(waitedMs / calls), number: true },
          { title: 'Idle memory', cell: ({ idleMib }) => mib(idleMib), number: true },
          { title: 'Peak idle memory', cell: ({ peakIdleMib }) => mib(peakIdleMib), number: true },
          { title: 'Busy memory', cell: ({ busyMib }) => mib(busyMib), number: true },
        ]}
      />
      <p class="prose">
        Cold: a worker was started for the call. Prewarmed: a generic worker that was ready took it. Idle memory: of
        workers without a call, generic ones included. The budget is for all workers; the timeout is that of an idle
        worker.
      </p>
    </>
  )
}

const mib = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} MiB`

const sentenceOf = ({ cold, calls, waitedMs, idleMib }: CurvePoint): string =>
  `${percent(cold / calls)} cold, ${ms(waitedMs / calls)} wait, ${mib(idleMib)} idle`
