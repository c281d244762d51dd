import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** Over the page while it is there; Escape and its button close it. Whoever had the focus before has it after. */
export function Dialog({ title, onClose, children }: { title: string; onClose(): void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) requestAnimationFrame(() => before.focus())
    }
  }, [])
  return (
    <dialog ref={element} aria-label={title} onClose={onClose}>
      <header class="page-head">
        <h2>{title}</h2>
        <button type="button" class="small" onClick={() => element.current?.close()}>
          Close
        </button>
      </header>
      {children}
    </dialog>
  )
}
