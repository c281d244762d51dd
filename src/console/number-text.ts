/** The number in a field; undefined when it is empty. Throws an Error with a sentence. */
export function numberIn(text: string, label: string): number | undefined {
  if (text.trim() === '') return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw new Error(`${label}: "${text}" is not a number.`)
}
