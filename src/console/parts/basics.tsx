import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** Small components of pages. */

export function Page({
  title,
  actions,
  children,
}: {
  title: string
  actions?: ComponentChildren
  children: ComponentChildren
}) {
  useEffect(() => {
    document.title = `${title} · Taibai`
  }, [title])
  return (
    <>
      <header class="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        <div class="actions">{actions}</div>
      </header>
      {children}
    </>
  )
}

export const ErrorMessage = ({ problem }: { problem: Error | undefined }) =>
  problem === undefined ? null : (
    <p class="trouble" role="alert">
      {problem.message}
    </p>
  )

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>

export const Badge = ({ kind }: { kind: string }) => <span class={`badge ${kind}`}>{kind}</span>

export function Field({
  label,
  hint,
  children,
}: {
  label: string
  hint?: string | undefined
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class="field">
      <span>{label}</span>
      {children}
      {hint && <small>{hint}</small>}
    </label>
  )
}

export interface Column<Row> {
  title: string
  /** Replaces the title. */
  head?: ComponentChildren
  cell(row: Row): ComponentChildren
  number?: boolean
}

export interface TableProps<Row> {
  rows: Row[]
  columns: Column<Row>[]
  keyOf(row: Row): string
  label: string
}

/** Space in place of rows that are not rendered; px. */
interface Gaps {
  above: number
  below: number
}

/** Columns that fit on a phone; rows of more are shown there as cards. */
const mostOnPhone = 3
/** Columns whose long names are at ease on a wide screen. */
const mostAtEase = 5

/** Actions stay in sight where the table scrolls. */
const classOf = (title: string, number = false): string | undefined =>
  number ? 'number' : title === 'Actions' ? 'acts' : undefined

/** A table that scrolls sideways on its own where it is wider than the page. `count`: of all rows, where not all are given. */
export function Table<Row>({
  rows,
  columns,
  keyOf,
  label,
  gaps,
  count,
}: TableProps<Row> & { gaps?: Gaps; count?: number }) {
  const gap = (height: number) =>
    height > 0 && (
      <tr class="gap">
        <td colSpan={columns.length} style={{ height: `${height}px`, padding: 0, border: 0 }} />
      </tr>
    )
  const looks = [
    'table',
    ...(gaps === undefined && columns.length > mostOnPhone ? ['cards'] : []),
    ...(columns.length > mostAtEase ? ['dense'] : []),
  ]
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <section class={looks.join(' ')} tabIndex={0} aria-label={label}>
      <table aria-rowcount={count}>
        <thead>
          <tr>
            {columns.map(({ title, head, number }) => (
              <th key={title} scope="col" class={classOf(title, number)}>
                {head ?? title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {gaps !== undefined && gap(gaps.above)}
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, number }) => (
                <td key={title} data-title={title} class={classOf(title, number)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {gaps !== undefined && gap(gaps.below)}
        </tbody>
      </table>
    </section>
  )
}

export function Facts({ facts }: { facts: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** A button; the message of a failure appears beside it. */
export function Action({
  label,
  act,
  kind = '',
  confirm,
}: {
  label: string
  act(): Promise<unknown>
  kind?: string
  confirm?: string
}) {
  const [state, setState] = useState<{ busy: boolean; problem?: string }>({ busy: false })
  const isThere = useRef(true)
  useEffect(
    () => () => {
      isThere.current = false
    },
    [],
  )
  const onClick = async () => {
    if (state.busy) return
    if (confirm !== undefined && !window.confirm(confirm)) return
    setState({ busy: true })
    try {
      await act()
      if (isThere.current) setState({ busy: false })
    } catch (error) {
      if (isThere.current) setState({ busy: false, problem: (error as Error).message })
    }
  }
  return (
    <>
      {/* Not disabled while it is busy: it would lose the focus. */}
      <button type="button" class={kind} aria-disabled={state.busy} onClick={onClick}>
        {label}
      </button>
      {state.problem && (
        <span class="trouble inline" role="alert">
          {state.problem}
        </span>
      )}
    </>
  )
}

/** Copies a text to the clipboard. */
export function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false)
  const onClick = async () => {
    await navigator.clipboard.writeText(text)
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  return (
    <button type="button" class="small" onClick={onClick} aria-label={`Copy ${text}`}>
      {done ? 'Copied' : 'Copy'}
    </button>
  )
}
