import { useEffect, useRef } from 'preact/hooks'

/** A code editor, loaded on first use. */
export function Editor({
  file,
  text,
  onChange,
  onSave,
}: {
  file: string
  text: string
  onChange(text: string): void
  onSave?(): void
}) {
  const holder = useRef<HTMLDivElement>(null)
  const act = useRef({ onChange, onSave })
  act.current = { onChange, onSave }
  useEffect(() => {
    let end = (): void => {}
    let isOver = false
    void import('./code-mirror.ts').then(({ openEditor }) => {
      if (isOver || holder.current === null) return
      end = openEditor(holder.current, file, text, {
        onChange: (changed) => act.current.onChange(changed),
        onSave: () => act.current.onSave?.(),
      })
    })
    return () => {
      isOver = true
      end()
    }
  }, [file])
  return <div class="editor" ref={holder} />
}

/** Two texts side by side with marked differences. */
export function Difference({ file, before, after }: { file: string; before: string; after: string }) {
  const holder = useRef<HTMLDivElement>(null)
  useEffect(() => {
    let end = (): void => {}
    void import('./code-mirror.ts').then(({ openDifference }) => {
      if (holder.current !== null) end = openDifference(holder.current, file, before, after)
    })
    return () => end()
  }, [file, before, after])
  return <div class="editor" ref={holder} />
}
