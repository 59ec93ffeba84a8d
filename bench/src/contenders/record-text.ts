/**
 * Texts as long as what Reprise writes for this workload beside the body, for those who write a record by hand. They cost
 * nothing to make, which is to the floor's advantage.
 */

export const completedText: string = ''.padEnd(305, 'completed ')
export const runningText: string = ''.padEnd(230, 'running ')
