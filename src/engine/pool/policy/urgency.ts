/** `now`: a call waits for the start. `later`: work ahead, after all starts that calls wait for. */
export type Urgency = 'now' | 'later'
