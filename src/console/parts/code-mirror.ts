import { javascript } from '@codemirror/lang-javascript'
import { json } from '@codemirror/lang-json'
import { python } from '@codemirror/lang-python'
import { MergeView } from '@codemirror/merge'
import { EditorState, type Extension } from '@codemirror/state'
import { keymap } from '@codemirror/view'
import { basicSetup, EditorView } from 'codemirror'
import { editorTheme } from './code-mirror-looks.ts'

/** CodeMirror with our configuration, in a chunk of its own. */

const languageOf = (file: string): Extension => {
  if (/\.py$/.test(file)) return python()
  if (/\.json$/.test(file)) return json()
  if (/\.[cm]?[jt]sx?$/.test(file)) return javascript({ typescript: /\.[cm]?tsx?$/.test(file), jsx: /x$/.test(file) })
  return []
}

export function openEditor(
  parent: HTMLElement,
  file: string,
  doc: string,
  { onChange, onSave }: { onChange(text: string): void; onSave(): void },
): () => void {
  const save = keymap.of([
    {
      key: 'Mod-s',
      run: () => {
        onSave()
        return true
      },
    },
  ])
  const changes = EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString()))
  const name = EditorView.contentAttributes.of({ 'aria-label': file })
  const view = new EditorView({
    parent,
    doc,
    extensions: [save, editorTheme(), basicSetup, languageOf(file), changes, name],
  })
  return () => view.destroy()
}

export function openDifference(parent: HTMLElement, file: string, before: string, after: string): () => void {
  const extensions = [
    editorTheme(),
    basicSetup,
    languageOf(file),
    EditorView.editable.of(false),
    EditorState.readOnly.of(true),
  ]
  const view = new MergeView({
    parent,
    a: { doc: before, extensions },
    b: { doc: after, extensions },
    collapseUnchanged: {},
  })
  return () => view.destroy()
}
