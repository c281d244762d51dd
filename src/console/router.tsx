import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

/** The current page: the path below /console, and its query. */

const base = '/console'
const pathNow = (): string => location.pathname.slice(base.length).replace(/\/$/, '') || '/'

export const path = signal(pathNow())
export const query = signal(new URLSearchParams(location.search))

addEventListener('popstate', () => show())

function show(): void {
  path.value = pathNow()
  query.value = new URLSearchParams(location.search)
}

export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', base + to)
  else history.replaceState(null, '', base + to)
  show()
  if (how === 'push') {
    scrollTo(0, 0)
    // The focus on the title tells screen readers that the page has changed.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus())
  }
}

export function setQuery(name: string, value: string): void {
  const next = new URLSearchParams(query.value)
  if (value === '') next.delete(name)
  else next.set(name, value)
  const text = next.toString()
  go(path.value + (text === '' ? '' : `?${text}`), 'replace')
}

export function Link({
  to,
  children,
  class: name,
  current,
}: {
  to: string
  children: ComponentChildren
  class?: string
  current?: boolean
}) {
  const onClick = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={base + to} onClick={onClick} class={name} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  )
}
