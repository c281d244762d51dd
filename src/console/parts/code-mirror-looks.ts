import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** The editor in the page's colours, which follow the system's theme, with the same contrast as other text. */

const frame = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--card)' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { color: 'var(--dim)', backgroundColor: 'var(--back)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'light-dark(#0f766e14, #35b5a91f)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'light-dark(#bfe3df, #22564f) !important',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'light-dark(#cdebe7, #2a4a47)' },
  '.cm-panels, .cm-tooltip': { color: 'var(--text)', backgroundColor: 'var(--card)', borderColor: 'var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { color: 'var(--on-accent)', backgroundColor: 'var(--accent)' },
  '.cm-textfield, .cm-button': { color: 'var(--text)', background: 'var(--back)', borderColor: 'var(--line)' },
  '.cm-searchMatch': { backgroundColor: 'light-dark(#ffe08a, #6b5518)' },
  '.cm-collapsedLines': { color: 'var(--dim)', background: 'var(--back)' },
})

const words = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.self], color: 'var(--c2)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--c3)' },
  { tag: [tags.comment, tags.meta], color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--c5)' },
  { tag: [tags.typeName, tags.className, tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--c1)' },
  { tag: tags.invalid, color: 'var(--bad)' },
])

export const editorTheme = (): Extension => [frame, syntaxHighlighting(words)]
