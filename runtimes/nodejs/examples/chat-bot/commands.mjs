export const help = () => 'I know: hello, roll, roll 20'

export function dice(sides = '6') {
  const most = Number(sides)
  if (!Number.isInteger(most) || most < 2) return `A die has two sides or more, and "${sides}" is no such number.`
  return `You rolled ${1 + Math.floor(Math.random() * most)} of ${most}.`
}
