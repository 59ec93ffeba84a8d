/** Worker threads that share out jobs: each gets the next one as soon as it is done. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Young objects are nearly all that a run leaves behind; with more room for them they are collected less often. */
const youngMb = 192

/**
 * Sends jobs to workers until `jobs` ends, and calls `done` with each result. `done` says whether to go on. Rejects
 * with what a worker threw.
 */
export async function shareOut<Job, Result>(
  script: URL,
  jobs: Iterator<Job>,
  done: (result: Result) => boolean,
  workers: number = availableParallelism(),
): Promise<void> {
  let goOn = true
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: youngMb } })
      const next = (): void => {
        const job = goOn ? jobs.next() : undefined
        if (job === undefined || job.done === true) {
          resolve(worker.terminate().then(() => undefined))
          return
        }
        worker.postMessage(job.value)
      }
      worker.on('message', (result: Result) => {
        goOn = done(result) && goOn
        next()
      })
      worker.on('error', reject)
      next()
    })
  await Promise.all(Array.from({ length: workers }, work))
}
