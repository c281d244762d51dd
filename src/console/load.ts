import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Problem } from './api.ts'

export interface Loaded<T> {
  data: T | undefined
  problem: Problem | undefined
  reload(): void
}

/** The result of `read`, which is called again when a dependency changes. The previous result stays until the next arrives. */
export function useLoad<T>(read: () => Promise<T>, dependencies: unknown[]): Loaded<T> {
  const [data, setData] = useState<T>()
  const [problem, setProblem] = useState<Problem>()
  const turn = useRef(0)
  const reload = useCallback(() => {
    const own = ++turn.current
    read().then(
      (value) => {
        if (own !== turn.current) return
        setData(value)
        setProblem(undefined)
      },
      (error: Problem) => own === turn.current && setProblem(error),
    )
  }, dependencies)
  useEffect(reload, [reload])
  return { data, problem, reload }
}

/** Calls `act` periodically while the page is visible. */
export function useEvery(ms: number, act: () => void): void {
  const latest = useRef(act)
  latest.current = act
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && latest.current(), ms)
    return () => clearInterval(timer)
  }, [ms])
}

/** Calls `act` once, a moment after the last of many changes. */
export function useSoon(ms: number, act: () => void): () => void {
  const timer = useRef<number>(0)
  const latest = useRef(act)
  latest.current = act
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(() => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => latest.current(), ms) as unknown as number
  }, [ms])
}
