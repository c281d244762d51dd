/** A module that does nothing: `warm-up` imports it. */

export {}
