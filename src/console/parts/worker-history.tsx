import type { WorkerHistoryRow } from '../../client/resources/workers.ts'
import { Chart, type Series } from './chart.tsx'

const mib = 1024 * 1024
const seconds = 900
const inMib = (bytes: number[]): number[] => bytes.map((value) => Math.round(value / mib))

/** Memory of all workers by what they do, below what they may have. */
export const MemoryChart = ({ history }: { history: WorkerHistoryRow }) => (
  <Chart
    title="Reserved memory"
    unit=" MiB"
    seconds={seconds}
    times={timesOf(history)}
    series={[
      { label: 'budget', color: '--c6', values: inMib(history.times.map(() => history.budget)) },
      { label: 'all', color: '--c1', values: inMib(history.reserved) },
      { label: 'busy', color: '--c4', values: inMib(history.states.busy) },
      { label: 'generic', color: '--c2', values: inMib(history.states.generic) },
    ]}
  />
)

export const StartsChart = ({ history }: { history: WorkerHistoryRow }) => (
  <Chart
    title={`Starts per ${history.every_seconds} s`}
    unit=""
    seconds={seconds}
    times={timesOf(history)}
    series={[
      { label: 'warm', color: '--c1', values: history.starts.warm },
      { label: 'prewarmed', color: '--c3', values: history.starts.prewarmed },
      { label: 'cold', color: '--c4', values: history.starts.cold },
    ]}
  />
)

const colors = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6']

/** The memory of the functions that hold most. */
export const FunctionsChart = ({ history }: { history: WorkerHistoryRow }) => (
  <Chart
    title="Memory by function"
    unit=" MiB"
    seconds={seconds}
    times={timesOf(history)}
    series={history.functions.map(
      ({ function_id, function_name, memory }, at): Series => ({
        label: function_name ?? function_id,
        color: colors[at % colors.length] as string,
        values: inMib(memory),
      }),
    )}
  />
)

const timesOf = ({ times }: WorkerHistoryRow): number[] => times.map((time) => Date.parse(time) / 1000)
