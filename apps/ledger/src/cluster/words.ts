/** What the primary says to its workers. It is the only word between them. */
export const STOP = 'stop'
