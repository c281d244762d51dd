/** A function that does nothing, for `warm-up.cjs`. */

export const main = () => {}
